import { errorpb, flotillapb, type metapb } from '@flotilla/protocol';
import type { RaftStoreHandle } from '@flotilla/raftstore';
import type { Runtime } from '@flotilla/runtime';
import type { ServerConfig } from './config.ts';
import { type CallObserver, type GrpcService, serveUnary, undecoded } from './grpc-service.ts';
import type { MeasuredStore } from './store-metrics.ts';
import { storeMetricsMessage } from './store-metrics-message.ts';

/** What the service tells. */
export interface AdminServiceOptions {
  readonly store: RaftStoreHandle & Pick<MeasuredStore, 'metrics'>;
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
  const { storeStatus: status, regionHash: hash } = flotillapb.Admin;
  const context = {
    clusterId: options.store.clusterId,
    logger: runtime.logger,
    maxRequestBytes: config.maxRequestBytes,
    nowMs: () => runtime.clock.monotonicMs(),
    observe: observe ?? (() => {}),
  };
  return {
    definition: { storeStatus: undecoded(status), regionHash: undecoded(hash) },
    implementation: {
      storeStatus: serveUnary(status, context, async () => storeStatus(options)),
      regionHash: serveUnary(hash, context, (request) => regionHash(options.store, request)),
    },
  };
}

/** The hash that a store has of a region, after a new check when one is asked for. */
async function regionHash(
  store: RaftStoreHandle,
  { regionId, compute }: flotillapb.RegionHashRequest,
): Promise<flotillapb.RegionHashResponse> {
  if (compute) {
    const outcome = await store.checkConsistency(regionId);
    if (outcome.type === 'refused') return { regionError: outcome.error, hashes: [] };
  }
  const hash = store.regionHash(regionId);
  if (hash !== undefined) return { regionError: undefined, hashes: [hash] };
  const found = store.status().find(({ region }) => region?.id === regionId);
  if (found === undefined) return { regionError: regionNotFound(regionId), hashes: [] };
  return { regionError: undefined, hashes: [flotillapb.RegionHash.create({ regionId, peer: found.peer })] };
}

function regionNotFound(regionId: number): errorpb.Error {
  return errorpb.Error.create({ message: `region ${regionId} is not on this store`, regionNotFound: { regionId } });
}

/** A store's state as the admin service and the status page tell it. */
export function storeStatus(
  options: Pick<AdminServiceOptions, 'store' | 'describe' | 'startTimeMs' | 'version'>,
): flotillapb.StoreStatusResponse {
  const { store, describe, startTimeMs, version } = options;
  const metrics = store.metrics === undefined ? undefined : storeMetricsMessage(store.metrics());
  return { clusterId: store.clusterId, store: describe(), regions: [...store.status()], startTimeMs, version, metrics };
}
