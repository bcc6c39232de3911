import {
  allRegionStateRange,
  applyStateKey,
  logEntryKey,
  type MemoryDisk,
  parseRegionKey,
  raftStateKey,
} from '@flotilla/engine';
import { eraftpb, type metapb, raft_serverpb } from '@flotilla/protocol';
import type { TestNode } from './test-cluster.ts';

/** Bytes of the checksum before each record of the raft database. */
const checksumBytes = 4;

/** What a node's disks hold of one region whose peer there is no tombstone, whether the node runs or not. */
export interface StoredPeer {
  readonly node: TestNode;
  readonly region: metapb.Region;
  /** Whether a snapshot was on its way in. */
  readonly isApplying: boolean;
  readonly appliedIndex: number;
  readonly truncatedIndex: number;
  /** The end of the log, as the raft state says; 0 when there is no raft state. */
  readonly lastIndex: number;
}

/** What a node's disks hold of every region. */
export function storedPeers(node: TestNode): StoredPeer[] {
  const found: StoredPeer[] = [];
  const { start, end = start } = allRegionStateRange;
  for (const [key, value] of node.kvDisk.pairs.entries(start)) {
    if (Buffer.compare(key, end) >= 0) break;
    const parsed = parseRegionKey(key);
    const { region, state } = raft_serverpb.RegionLocalState.decode(value);
    if (parsed?.type !== 'regionState' || region === undefined) continue;
    if (state === raft_serverpb.PeerState.Tombstone) continue;
    const bytes = node.kvDisk.pairs.get(applyStateKey(region.id));
    const applied = raft_serverpb.RaftApplyState.decode(bytes ?? new Uint8Array(0));
    found.push({
      node,
      region,
      isApplying: state === raft_serverpb.PeerState.Applying,
      appliedIndex: applied.appliedIndex,
      truncatedIndex: applied.truncatedState?.index ?? 0,
      lastIndex: storedLastIndex(node.raftDisk.pairs, region.id),
    });
  }
  return found;
}

/** Where the log of a region ends in an image of a raft database; 0 when there is no raft state, or none that can be read. */
export function storedLastIndex(pairs: MemoryDisk['pairs'], regionId: number): number {
  const record = pairs.get(raftStateKey(regionId));
  if (record === undefined) return 0;
  try {
    return raft_serverpb.RaftLocalState.decode(record.subarray(checksumBytes)).lastIndex;
  } catch {
    return 0;
  }
}

/** Whether the log holds a change of members that is not applied here. */
export function hasPendingChange({ node, region, appliedIndex, lastIndex }: StoredPeer): boolean {
  for (let index = appliedIndex + 1; index <= lastIndex; index += 1) {
    const record = node.raftDisk.pairs.get(logEntryKey(region.id, index));
    if (record === undefined) continue;
    const { entryType } = eraftpb.Entry.decode(record.subarray(checksumBytes));
    if (entryType !== eraftpb.EntryType.EntryNormal) return true;
  }
  return false;
}
