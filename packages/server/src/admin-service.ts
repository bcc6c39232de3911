import { flotillapb, type metapb } from '@flotilla/protocol';
import type { RaftStoreHandle } from '@flotilla/raftstore';
import type { Runtime } from '@flotilla/runtime';
import type { ServerConfig } from './config.ts';
import { type CallObserver, type GrpcService, serveUnary, undecoded } from './grpc-service.ts';

/** What the service tells. */
export interface AdminServiceOptions {
  readonly store: RaftStoreHandle;
  /** The store as it is known to the scheduler. */
  readonly describe: () => metapb.Store;
  /** Unix time in milliseconds at which the store was opened. */
  readonly startTimeMs: number;
  readonly version: string;
  readonly config: ServerConfig;
  readonly runtime: Runtime;
  readonly observe?: CallObserver;
}

/** The service `flotillapb.Admin` of one store. */
export function createAdminService(options: AdminServiceOptions): GrpcService {
  const { runtime, config, observe } = options;
  const method = flotillapb.Admin.storeStatus;
  const context = {
    clusterId: options.store.clusterId,
    logger: runtime.logger,
    maxRequestBytes: config.maxRequestBytes,
    nowMs: () => runtime.clock.monotonicMs(),
    observe: observe ?? (() => {}),
  };
  return {
    definition: { storeStatus: undecoded(method) },
    implementation: { storeStatus: serveUnary(method, context, async () => storeStatus(options)) },
  };
}

/** A store's state as the admin service and the status page tell it. */
export function storeStatus(
  options: Pick<AdminServiceOptions, 'store' | 'describe' | 'startTimeMs' | 'version'>,
): flotillapb.StoreStatusResponse {
  const { store, describe, startTimeMs, version } = options;
  return { clusterId: store.clusterId, store: describe(), regions: [...store.status()], startTimeMs, version };
}
