import {
  applyStateKey,
  type Engine,
  prepareBootstrapKey,
  putApplyState,
  putPrepareBootstrap,
  putRegionState,
  putStoreIdent,
  type RaftLogStore,
  readPrepareBootstrap,
  readStoreIdent,
  regionStateKey,
} from '@flotilla/engine';
import { metapb, raft_serverpb } from '@flotilla/protocol';
import type { SchedulerClient } from '@flotilla/scheduler-client';
import { initialApplyState, initialRaftState } from './initial-state.ts';
import { RaftStoreError } from './store-error.ts';

/** What a bootstrap needs. */
export interface BootstrapOptions {
  readonly kvEngine: Engine;
  readonly logStore: RaftLogStore;
  readonly client: SchedulerClient;
  /** Where other stores and clients reach this one. */
  readonly storeAddress: string;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Makes a directory the store of a cluster, or finds that it is one; the first store of a cluster also makes the cluster's
 * first region. It can be cut off at any point and begun again:
 *
 * 1. The store identity is written before anything else. Without it, both databases must be empty.
 * 2. The first region is written here, under the prepare key, before the scheduler hears of it.
 * 3. The scheduler records one first region for ever. If it is this one, the prepare key goes; if it is another's, all of
 *    this region goes, and the prepare key with it in the same batch as the region's state.
 *
 * @throws {RaftStoreError} with code `clusterMismatch` or `notEmpty`.
 */
export async function bootstrapStore(options: BootstrapOptions): Promise<raft_serverpb.StoreIdent> {
  const { client, signal } = options;
  const ident = await identify(options);
  let prepared = readPrepareBootstrap(options.kvEngine);
  if (prepared === undefined && !(await client.isBootstrapped(signal))) {
    prepared = await prepareFirstRegion(options, ident.storeId);
  }
  const store = metapb.Store.create({ id: ident.storeId, address: options.storeAddress });
  if (prepared !== undefined) await settleFirstRegion(options, store, prepared);
  await client.putStore(store, signal);
  return ident;
}

async function identify(options: BootstrapOptions): Promise<raft_serverpb.StoreIdent> {
  const { client, kvEngine, signal } = options;
  const known = readStoreIdent(kvEngine);
  if (known !== undefined) {
    if (known.clusterId === client.clusterId) return known;
    throw new RaftStoreError(
      'clusterMismatch',
      `the directory belongs to store ${known.storeId} of cluster ${known.clusterId}, the scheduler serves cluster ${client.clusterId}`,
    );
  }
  await refuseUnlessEmpty(kvEngine, 'kv');
  await refuseUnlessEmpty(options.logStore.engine, 'raft');
  const ident = { clusterId: client.clusterId, storeId: await client.allocId(signal) };
  const batch = kvEngine.batch();
  putStoreIdent(batch, ident);
  await kvEngine.write(batch, { sync: true });
  return ident;
}

/** Nothing but the format record may be there. */
async function refuseUnlessEmpty(engine: Engine, name: string): Promise<void> {
  const found = await engine.scan({ start: firstKeyAfterFormat, limit: 1 });
  if (found.length === 0) return;
  throw new RaftStoreError('notEmpty', `the ${name} database holds data but no store identity`);
}

/** `01 00 00`: behind the format record `01 00`. */
const firstKeyAfterFormat = Uint8Array.of(0x01, 0x00, 0x00);

async function prepareFirstRegion(options: BootstrapOptions, storeId: number): Promise<metapb.Region> {
  const { client, kvEngine, logStore, signal } = options;
  const regionId = await client.allocId(signal);
  const peerId = await client.allocId(signal);
  const region = metapb.Region.create({
    id: regionId,
    regionEpoch: { confVer: 1, version: 1 },
    peers: [metapb.Peer.create({ id: peerId, storeId })],
  });
  const raftBatch = logStore.engine.batch();
  logStore.putState(raftBatch, regionId, initialRaftState(undefined));
  await logStore.engine.write(raftBatch, { sync: true });
  const batch = kvEngine.batch();
  putPrepareBootstrap(batch, region);
  putRegionState(batch, regionId, { state: raft_serverpb.PeerState.Normal, region });
  putApplyState(batch, regionId, initialApplyState());
  await kvEngine.write(batch, { sync: true });
  return region;
}

async function settleFirstRegion(
  options: BootstrapOptions,
  store: metapb.Store,
  prepared: metapb.Region,
): Promise<void> {
  const { client, kvEngine, logStore, signal } = options;
  const outcome = await client.bootstrap(store, prepared, signal);
  const batch = kvEngine.batch();
  batch.delete(prepareBootstrapKey);
  if (outcome === 'alreadyBootstrapped' && !(await isFirstRegion(client, prepared, signal))) {
    batch.delete(regionStateKey(prepared.id));
    batch.delete(applyStateKey(prepared.id));
    await logStore.deleteRegionRange(prepared.id);
  }
  await kvEngine.write(batch, { sync: true });
}

/** Whether the scheduler's first region is the prepared one: then an earlier call came through and its answer was lost. */
async function isFirstRegion(client: SchedulerClient, prepared: metapb.Region, signal?: AbortSignal): Promise<boolean> {
  const known = await client.getRegionById(prepared.id, signal);
  return known !== undefined;
}
