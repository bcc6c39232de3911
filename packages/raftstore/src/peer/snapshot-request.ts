import { eraftpb, raft_serverpb } from '@flotilla/protocol';
import { draftMessage } from '@flotilla/raft';
import { epochOf, isEpochStale } from '@flotilla/scheduler-client';
import { findPeer } from '../region.ts';
import { readSnapshotContent } from '../snapshot/snapshot-content.ts';
import { claimRange, tombstoneNotice } from './incoming-message.ts';
import type { Peer } from './peer.ts';
import { resumeInstall } from './snapshot-installer.ts';

/**
 * How a peer comes by its data again when the files of the snapshot that it was taking in turn out to be damaged.
 *
 * Its log already ends at that snapshot and its vote counts, so for raft it lacks nothing and no leader would send it
 * another. So it asks beside raft, every election timeout, all members, of whom the leader answers, for a snapshot of at
 * least the same index. One of the same index fills in the files; a later one takes the usual way through the core.
 */
export function askForSnapshot(peer: Peer): void {
  const { install, context, meta, regionId } = peer;
  if (install?.isAwaiting !== true || peer.isDestroying) return;
  for (const toPeer of install.region.peers) {
    if (toPeer.id === meta.id) continue;
    context.send(
      raft_serverpb.RaftMessage.create({
        regionId,
        fromPeer: meta,
        toPeer,
        regionEpoch: install.region.regionEpoch,
        wantedSnapshotIndex: install.index,
      }),
    );
  }
  peer.ticker.retryAfter(context.config.electionTicks, () => {
    if (peer.install === install) askForSnapshot(peer);
  });
}

/** Leader: sends the snapshot that a member asks for, once there is one; the member asks again until it has it. */
export function answerSnapshotRequest(peer: Peer, message: raft_serverpb.RaftMessage): void {
  const { context, region, regionId, storage } = peer;
  const { fromPeer, wantedSnapshotIndex } = message;
  if (!peer.isLeader || fromPeer === undefined) return;
  if (findPeer(region, fromPeer.id) === undefined) {
    if (isEpochStale(epochOf(message), epochOf(region))) {
      context.send(tombstoneNotice(message, region.regionEpoch));
    }
    return;
  }
  if (context.snapshots.isSending(regionId, fromPeer.id)) return;
  const truncatedIndex = Math.max(storage.truncated.index, wantedSnapshotIndex);
  const snapshot = peer.snapshotSource.get({ truncatedIndex, epoch: epochOf(region) });
  if (snapshot === undefined) return;
  const answer = draftMessage('MsgSnap', fromPeer.id);
  answer.from = peer.meta.id;
  answer.term = peer.term;
  answer.snapshot = snapshot;
  peer.logger.info('sending a snapshot to a peer that has lost its data', { toPeer: fromPeer, wantedSnapshotIndex });
  peer.send(answer);
}

/**
 * Whether the core is to take the message of a peer that is resuming: only a later snapshot than the one whose files were
 * damaged. One of the same index is taken here.
 */
export function takeReplacement(peer: Peer, message: raft_serverpb.RaftMessage): boolean {
  const raft = message.message;
  if (raft?.msgType !== eraftpb.MessageType.MsgSnapshot) return false;
  const { install } = peer;
  const { index = 0 } = raft.snapshot?.metadata ?? {};
  const isWanted = install?.isAwaiting === true && index >= install.index && raft.term >= peer.term;
  if (!isWanted || readSnapshotContent(raft) === undefined || !claimRange(peer, raft)) {
    peer.context.snapshots.release(message);
    return false;
  }
  if (index > install.index) return true;
  install.isAwaiting = false;
  resumeInstall(peer);
  return false;
}
