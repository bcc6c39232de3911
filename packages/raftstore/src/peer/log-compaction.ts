import { raft_cmdpb } from '@flotilla/protocol';
import { adminCommand } from '../admin-command.ts';
import { ignoreReply } from '../reply.ts';
import type { Peer } from './peer.ts';

/** Compacts the log now if it is worth it, and says whether it does: a region that hibernates does not come to it. */
export function compactBeforeSleep(peer: Peer): boolean {
  const { lastIndex } = peer.node;
  proposeCompaction(peer);
  return peer.node.lastIndex > lastIndex;
}

/** Proposes to compact the log as far as it can go, when that is worth a command. */
export function proposeCompaction(peer: Peer): void {
  const compactIndex = compactionIndexOf(peer);
  if (compactIndex === undefined) return;
  const compactTerm = peer.storage.term(compactIndex);
  if (typeof compactTerm !== 'number') return;
  const { CompactLog: cmdType } = raft_cmdpb.AdminCmdType;
  const target = { regionId: peer.regionId, peer: peer.meta, regionEpoch: peer.region.regionEpoch };
  const request = adminCommand(target, { cmdType, compactLog: { compactIndex, compactTerm } });
  peer.handle({ type: 'raftCommand', request, reply: ignoreReply });
}

/** Whether more of the log is kept than is kept for anybody. */
export function isLogTooLong(peer: Peer): boolean {
  const { logGcMaxBytes, logGcMaxEntries } = peer.context.config;
  const { storage } = peer;
  return peer.appliedIndex - storage.firstIndex() >= logGcMaxEntries || storage.logBytes >= logGcMaxBytes;
}

/**
 * The index up to which the log can go: what every replica holds, once it is worth a command; past the slowest follower, by
 * half of what is kept, when more than the limits would be kept for it. A follower that has been down for long is left to
 * a snapshot anyway and is not waited for. `undefined` when there is nothing to do.
 *
 * Invariant: below the applied index, so that the entry after it is there to be compared with.
 */
export function compactionIndexOf(peer: Peer): number | undefined {
  const { logGcThreshold, maxPeerDownMs, tickIntervalMs } = peer.context.config;
  const firstIndex = peer.storage.firstIndex();
  const applied = peer.appliedIndex;
  let held = applied;
  for (const { id, match, inactiveTicks } of peer.node.status().progress) {
    const isDown = id !== peer.meta.id && inactiveTicks * tickIntervalMs >= maxPeerDownMs;
    if (!isDown) held = Math.min(held, match);
  }
  const kept = applied - firstIndex;
  const isTooLong = isLogTooLong(peer);
  const wanted = isTooLong ? Math.max(firstIndex + Math.floor(kept / 2), held) : held;
  const isWorthIt = isTooLong || held - firstIndex >= logGcThreshold;
  const index = Math.min(wanted, applied) - 1;
  return isWorthIt && index >= firstIndex ? index : undefined;
}
