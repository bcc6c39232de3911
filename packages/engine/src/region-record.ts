// Records of the kv database that belong to the store and its regions, in protobuf without a checksum: they are written
// together with the data they speak of, in one batch, and the data have none either; the state hash between replicas
// covers both.
import { metapb, raft_serverpb } from '@flotilla/protocol';
import type { EngineReader, WriteBatch } from './engine.ts';
import { applyStateKey, prepareBootstrapKey, regionStateKey, storeIdentKey } from './key-layout.ts';

/** The region's apply state; `undefined` when it has none. @throws {WireError} when it is malformed. */
export function readApplyState(reader: EngineReader, regionId: number): raft_serverpb.RaftApplyState | undefined {
  const bytes = reader.getSync(applyStateKey(regionId));
  return bytes === undefined ? undefined : raft_serverpb.RaftApplyState.decode(bytes);
}

/** Adds the region's apply state. Invariant: in the same batch as the changes it counts. */
export function putApplyState(batch: WriteBatch, regionId: number, state: raft_serverpb.RaftApplyState): void {
  batch.put(applyStateKey(regionId), raft_serverpb.RaftApplyState.encode(state));
}

/** The region's state, normal or tombstone; `undefined` when the store never had it. @throws {WireError} */
export function readRegionState(reader: EngineReader, regionId: number): raft_serverpb.RegionLocalState | undefined {
  const bytes = reader.getSync(regionStateKey(regionId));
  return bytes === undefined ? undefined : raft_serverpb.RegionLocalState.decode(bytes);
}

/** Adds the state of a region under the region's id. */
export function putRegionState(batch: WriteBatch, regionId: number, state: raft_serverpb.RegionLocalState): void {
  batch.put(regionStateKey(regionId), raft_serverpb.RegionLocalState.encode(state));
}

/** The store's cluster and id; `undefined` before the bootstrap. @throws {WireError} */
export function readStoreIdent(reader: EngineReader): raft_serverpb.StoreIdent | undefined {
  const bytes = reader.getSync(storeIdentKey);
  return bytes === undefined ? undefined : raft_serverpb.StoreIdent.decode(bytes);
}

/** Adds the store's cluster and id. */
export function putStoreIdent(batch: WriteBatch, ident: raft_serverpb.StoreIdent): void {
  batch.put(storeIdentKey, raft_serverpb.StoreIdent.encode(ident));
}

/** The region that a bootstrap under way proposes; `undefined` when none is. @throws {WireError} */
export function readPrepareBootstrap(reader: EngineReader): metapb.Region | undefined {
  const bytes = reader.getSync(prepareBootstrapKey);
  return bytes === undefined ? undefined : metapb.Region.decode(bytes);
}

/** Adds the region that a bootstrap proposes. */
export function putPrepareBootstrap(batch: WriteBatch, region: metapb.Region): void {
  batch.put(prepareBootstrapKey, metapb.Region.encode(region));
}
