import type { metapb } from '@flotilla/protocol';
import { type SchedulerClient, SchedulerError } from '@flotilla/scheduler-client';
import { NEVER } from 'rxjs';

/** A scheduler that takes every report and asks for nothing, so that what is measured is the stores. */
export class QuietScheduler {
  regionHeartbeats = 0;

  createClient(): SchedulerClient {
    const stores = new Map<number, metapb.Store>();
    const refuse = async (): Promise<never> => {
      throw new SchedulerError('unavailable', 'this scheduler only listens');
    };
    return {
      clusterId: 1,
      bootstrap: async () => 'alreadyBootstrapped',
      isBootstrapped: async () => true,
      allocId: refuse,
      putStore: async (store) => {
        stores.set(store.id, store);
      },
      getStore: async (storeId) => stores.get(storeId),
      getAllStores: async () => [...stores.values()],
      getRegion: refuse,
      getRegionById: refuse,
      scanRegions: refuse,
      askSplit: refuse,
      reportSplit: async () => {},
      storeHeartbeat: async () => {},
      regionHeartbeat: () => {
        this.regionHeartbeats += 1;
      },
      regionHeartbeatResponses: NEVER,
      close: async () => {},
    };
  }
}
