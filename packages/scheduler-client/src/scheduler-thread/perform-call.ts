import { unreachable } from '@flotilla/runtime';
import type { SchedulerClient } from '../scheduler-client.ts';
import type { SchedulerAnswers, SchedulerCall } from './message.ts';

/** Makes a call on the thread's own client. */
export async function performCall(
  client: SchedulerClient,
  call: SchedulerCall,
  signal: AbortSignal,
): Promise<SchedulerAnswers[keyof SchedulerAnswers]> {
  switch (call.type) {
    case 'bootstrap':
      return client.bootstrap(call.store, call.region, signal);
    case 'isBootstrapped':
      return client.isBootstrapped(signal);
    case 'allocId':
      return client.allocId(signal);
    case 'putStore':
      await client.putStore(call.store, signal);
      return undefined;
    case 'getStore':
      return client.getStore(call.storeId, signal);
    case 'getAllStores':
      return client.getAllStores(signal);
    case 'getRegion':
      return client.getRegion(call.key, signal);
    case 'getRegionById':
      return client.getRegionById(call.regionId, signal);
    case 'scanRegions':
      return client.scanRegions(call.startKey, call.endKey, call.limit, signal);
    case 'askSplit':
      return client.askSplit(call.region, call.count, signal);
    case 'reportSplit':
      await client.reportSplit(call.regions, signal);
      return undefined;
    case 'storeHeartbeat':
      await client.storeHeartbeat(call.stats, signal);
      return undefined;
    default:
      return unreachable(call, 'call to the scheduler');
  }
}
