import {
  applyStateKey,
  dataRange,
  logEntryKey,
  MemoryDisk,
  raftStateKey,
  regionStateKey,
  userKey,
} from '@flotilla/engine';
import { metapb } from '@flotilla/protocol';
import type { Random } from '@flotilla/runtime';
import { hasPendingChange, type StoredPeer, storedLastIndex, storedPeers } from '../cluster/stored-peers.ts';
import type { TestCluster, TestNode } from '../cluster/test-cluster.ts';

const { Learner, Voter } = metapb.PeerRole;

/** Damage that was done to a disk. */
export interface DiskDamage {
  /** What was done, for people. */
  readonly what: string;
  /** Whether what a store needs is still damaged; false once it was overwritten or given up. */
  readonly isThere: () => boolean;
}

/**
 * Whether a node may be lost for good, by what all disks hold now: every region that has a voter there keeps a quorum of
 * voters whose own stores have its data, and no change of its members is under way.
 */
export function canLose(cluster: TestCluster, node: TestNode): boolean {
  const peers = cluster.nodes.flatMap(storedPeers);
  const latest = new Map<number, StoredPeer>();
  for (const peer of peers) {
    const known = latest.get(peer.region.id);
    if (known === undefined || confVerOf(known) < confVerOf(peer)) latest.set(peer.region.id, peer);
  }
  const holders = new Set(peers.map((peer) => `${peer.region.id} ${peer.node.storeId}`));
  if (peers.some(hasPendingChange)) return false;
  for (const { region } of latest.values()) {
    if (region.peers.some(({ role }) => role !== Voter && role !== Learner)) return false;
    const voters = region.peers.filter(({ role }) => role === Voter);
    if (!voters.some(({ storeId }) => storeId === node.storeId)) continue;
    const others = voters.filter(({ storeId }) => storeId !== node.storeId && holders.has(`${region.id} ${storeId}`));
    if (others.length <= voters.length / 2) return false;
  }
  return true;
}

/**
 * Damages one record of a node's raft logs or raft states that a start has to read: flips a bit, cuts it short, or takes it
 * away. `undefined` when there is none.
 */
export function damageLog(node: TestNode, random: Random): DiskDamage | undefined {
  const peers = storedPeers(node).filter(({ isApplying, lastIndex }) => !isApplying && lastIndex > 0);
  const peer = peers[random.integer(0, Math.max(1, peers.length))];
  if (peer === undefined) return undefined;
  const { lastIndex, region, truncatedIndex } = peer;
  const isState = lastIndex === truncatedIndex || random.fraction() < 0.3;
  const index = isState ? 0 : random.integer(truncatedIndex + 1, lastIndex + 1);
  const key = isState ? raftStateKey(region.id) : logEntryKey(region.id, index);
  const record = node.raftDisk.pairs.get(key);
  if (record === undefined) return undefined;
  // Without entries a missing state is that of a region just made: all there is to lose is a vote, and nothing shows it.
  const { damaged, how } = damageOf(record, random, lastIndex > truncatedIndex);
  node.raftDisk.rot(key, damaged);
  const place = isState ? 'the raft state' : `log entry ${index}`;
  return {
    what: `${place} of region ${region.id} ${how}`,
    isThere: () => {
      const now = storedPeers(node).find((one) => one.region.id === region.id);
      const isNeeded = now !== undefined && !now.isApplying && (isState || index > now.truncatedIndex);
      return isNeeded && node.raftDisk.pairs.get(key) === damaged;
    },
  };
}

/** Takes away the record of a region's state, or of what of it is applied, as LevelDB does without a word. The node must be down. */
export function loseState(node: TestNode, random: Random): DiskDamage | undefined {
  const peers = storedPeers(node).filter(({ lastIndex, truncatedIndex }) => lastIndex > truncatedIndex);
  const peer = peers[random.integer(0, Math.max(1, peers.length))];
  if (peer === undefined) return undefined;
  const isApply = random.fraction() < 0.5;
  node.kvDisk.rot((isApply ? applyStateKey : regionStateKey)(peer.region.id), undefined);
  const what = `the ${isApply ? 'apply' : 'region'} state of region ${peer.region.id} is gone`;
  return { what, isThere: () => true };
}

/** Empties one of a node's two databases, as the loss of the file that names its files does. The node must be down. */
export function loseDatabase(node: TestNode, random: Random): DiskDamage {
  const isKv = random.fraction() < 0.5;
  const disk = isKv ? node.kvDisk : node.raftDisk;
  disk.restore(new MemoryDisk().durableImage());
  return { what: `the ${isKv ? 'data' : 'log'} database comes up empty`, isThere: () => true };
}

/**
 * Puts the raft database back to an earlier image, as a log file does that lost its end; `undefined`, with nothing done, when
 * no store could tell: when all that is lost had not been applied. The node must be down.
 */
export function truncateLog(node: TestNode, image: MemoryDisk['pairs']): DiskDamage | undefined {
  const isNoticed = storedPeers(node).some(({ appliedIndex, isApplying, region, truncatedIndex }) => {
    const lastIndex = storedLastIndex(image, region.id);
    // Without a raft state a region that has applied nothing is taken for one that a split has just made.
    const looksNew = lastIndex === 0 && appliedIndex === truncatedIndex;
    return !isApplying && !looksNew && lastIndex < appliedIndex;
  });
  if (!isNoticed) return undefined;
  node.raftDisk.restore(image);
  return { what: 'the log database has lost its end', isThere: () => true };
}

/** Changes, or takes away, one value of a region in a node's data database, which no checksum shows; answers its key, if any. */
export function rotValue(node: TestNode, { startKey, endKey }: metapb.Region, random: Random): Uint8Array | undefined {
  const { start, end = start } = dataRange('default', startKey, endKey);
  const keys: Uint8Array[] = [];
  for (const [key] of node.kvDisk.pairs.entries(start)) {
    if (Buffer.compare(key, end) >= 0) break;
    keys.push(key);
  }
  const key = keys[random.integer(0, Math.max(1, keys.length))];
  if (key === undefined) return undefined;
  node.kvDisk.rot(key, random.fraction() < 0.3 ? undefined : Buffer.from('rotten'));
  return userKey('default', key);
}

/** Damages one snapshot file of a node; says which, or `undefined` when there is none. */
export function damageSnapshotFile({ snapshots }: TestNode, random: Random): string | undefined {
  const names = snapshots.names();
  const name = names[random.integer(0, Math.max(1, names.length))];
  if (name === undefined) return undefined;
  const bytes = snapshots.sizeOf(name);
  const dice = random.fraction();
  if (dice < 0.2 || bytes === 0) {
    snapshots.lose(name);
    return `${name} is gone`;
  }
  const at = random.integer(0, bytes);
  if (dice < 0.5) snapshots.cut(name, at);
  else snapshots.flipBit(name, at);
  return dice < 0.5 ? `${name} is cut short` : `a bit of ${name} flips`;
}

/** A record with one bit flipped, cut short, or, if its absence shows, gone. */
function damageOf(
  record: Uint8Array,
  random: Random,
  mayBeGone: boolean,
): { readonly damaged: Uint8Array | undefined; readonly how: string } {
  const dice = random.fraction();
  if (dice < 0.25 && mayBeGone) return { damaged: undefined, how: 'is gone' };
  const at = random.integer(0, record.length);
  if (dice < 0.5) return { damaged: record.slice(0, at), how: 'is cut short' };
  const damaged = Uint8Array.from(record);
  damaged[at] = (damaged[at] as number) ^ (1 << random.integer(0, 8));
  return { damaged, how: 'has a flipped bit' };
}

function confVerOf({ region }: StoredPeer): number {
  return region.regionEpoch?.confVer ?? 0;
}
