import { eraftpb, raft_serverpb } from '@flotilla/protocol';
import type { Message } from '@flotilla/raft';
import { epochOf, isEpochStale } from '@flotilla/scheduler-client';
import { fromWireMessage } from '../raft-message.ts';
import { findPeer, findPeerOnStore, isInitialized } from '../region.ts';
import { readSnapshotContent } from '../snapshot/snapshot-content.ts';
import type { Peer } from './peer.ts';
import { answerSnapshotRequest, takeReplacement } from './snapshot-request.ts';

/** Takes a message from the region's peer on another store, unless it comes from, or is meant for, one that is no more. */
export function handleRaftMessage(peer: Peer, message: raft_serverpb.RaftMessage): void {
  const { fromPeer, toPeer } = message;
  if (fromPeer === undefined || toPeer === undefined || toPeer.storeId !== peer.context.storeId) return;
  if (message.isTombstone) {
    handleTombstoneNotice(peer, message);
    return;
  }
  if (message.wantedSnapshotIndex > 0) {
    answerSnapshotRequest(peer, message);
    return;
  }
  if (message.extra !== undefined && fromPeer.id !== 0 && toPeer.id === peer.meta.id) {
    if (!isFromStalePeer(peer, message)) peer.hibernation.handle(peer, fromPeer, message.extra);
    return;
  }
  if (message.message === undefined || isFromStalePeer(peer, message)) return;
  if (toPeer.id < peer.meta.id) return;
  if (toPeer.id > peer.meta.id) {
    // This store's peer was removed and a newer one is being added. The sender asks again once this one is gone.
    peer.destroy(`replaced by peer ${toPeer.id}`);
    return;
  }
  if (peer.isResuming) {
    if (!takeReplacement(peer, message)) return;
  } else if (message.message.msgType === eraftpb.MessageType.MsgSnapshot && !claimRange(peer, message.message)) {
    peer.context.snapshots.release(message);
    return;
  }
  if (peer.context.disk.isFull && needsRoom(message.message)) return;
  if (!isInitialized(peer.region)) {
    peer.introducedConfVer = Math.max(peer.introducedConfVer, message.regionEpoch?.confVer ?? 0);
  }
  if (findPeer(peer.region, fromPeer.id) === undefined) peer.introduced.set(fromPeer.id, fromPeer);
  const raftMessage = readRaftMessage(peer, message.message);
  if (raftMessage === undefined) return;
  if (raftMessage.type === 'MsgReadIndex' && peer.lease !== undefined) {
    peer.node.stepReadRequest(raftMessage, peer.lease.isHeld(peer.node, peer.context.runtime.clock.monotonicMs()));
  } else {
    peer.node.step(raftMessage);
  }
}

/** What a store without room leaves unheard: entries, which are sent again, and the order to lead, which another is given. */
function needsRoom({ entries, msgType }: eraftpb.Message): boolean {
  return entries.length > 0 || msgType === eraftpb.MessageType.MsgTimeoutNow;
}

/** Ends a peer that the scheduler knows to be a member no more, unless it has learned of later changes meanwhile. */
export function handleNoMember(peer: Peer, peerId: number, confVer: number): void {
  const known = isInitialized(peer.region) ? epochOf(peer.region).confVer : peer.introducedConfVer;
  if (peerId === peer.meta.id && confVer > known) peer.destroy('the scheduler knows that it is no longer a member');
}

/** Another version's message, or a broken one, must not stop the store. */
function readRaftMessage(peer: Peer, message: eraftpb.Message): Message | undefined {
  try {
    return fromWireMessage(message);
  } catch (error) {
    peer.logger.warn('a raft message cannot be understood', { fromPeer: message.from, error });
    return undefined;
  }
}

/** The sender knows a later epoch, in which this peer is no member. */
function handleTombstoneNotice(peer: Peer, message: raft_serverpb.RaftMessage): void {
  const theirs = epochOf(message);
  const ours = epochOf(peer.region);
  if (message.toPeer?.id !== peer.meta.id || theirs.confVer <= ours.confVer) return;
  peer.destroy('told that it is no longer a member', theirs);
}

/**
 * Whether the sender's epoch is old and it is no member any more. One that asks for votes is told so: it would go on for
 * ever, having missed its removal.
 */
function isFromStalePeer(peer: Peer, message: raft_serverpb.RaftMessage): boolean {
  const { fromPeer } = message;
  if (fromPeer === undefined || !isInitialized(peer.region)) return false;
  const isStale = isEpochStale(epochOf(message), epochOf(peer.region));
  if (!isStale || findPeer(peer.region, fromPeer.id) !== undefined) return false;
  const successor = findPeerOnStore(peer.region, fromPeer.storeId);
  if (successor === undefined && message.message !== undefined && isVoteRequest(message.message)) {
    peer.context.send(tombstoneNotice(message, peer.region.regionEpoch));
  }
  return true;
}

/** Tells the sender of `message` that it is no longer a member, as of `epoch`. */
export function tombstoneNotice(
  message: Pick<raft_serverpb.RaftMessage, 'regionId' | 'fromPeer' | 'toPeer'>,
  epoch: raft_serverpb.RaftMessage['regionEpoch'],
): raft_serverpb.RaftMessage {
  return raft_serverpb.RaftMessage.create({
    regionId: message.regionId,
    fromPeer: message.toPeer,
    toPeer: message.fromPeer,
    regionEpoch: epoch,
    isTombstone: true,
  });
}

/** Whether the sender asks for a vote, or whether it would get one. */
export function isVoteRequest(message: eraftpb.Message): boolean {
  const { MessageType } = eraftpb;
  return message.msgType === MessageType.MsgRequestVote || message.msgType === MessageType.MsgPreVote;
}

/**
 * Whether the snapshot may be taken: its files are here, it names this peer, and nothing else on this store has or claims a
 * part of its range. Then the range is claimed until the snapshot has been taken in or refused.
 */
export function claimRange(peer: Peer, message: eraftpb.Message): boolean {
  const { context, regionId } = peer;
  const content = readSnapshotContent(message);
  if (content === undefined || content.region.id !== regionId) return false;
  const { region } = content;
  if (findPeer(region, peer.meta.id) === undefined || peer.install?.isAwaiting === false) return false;
  const others = context.regions.overlapping(region.startKey, region.endKey).map((entry) => entry.region);
  if (others.some((other) => other.id !== regionId)) return false;
  for (const claimed of context.claimedRegions.values()) {
    if (claimed.id !== regionId && overlaps(claimed, region)) return false;
  }
  const { term = 0, index = 0 } = message.snapshot?.metadata ?? {};
  if (!context.snapshots.isReceived({ direction: 'rev', regionId, term, index })) return false;
  context.claimedRegions.set(regionId, region);
  return true;
}

function overlaps(
  left: { readonly startKey: Uint8Array; readonly endKey: Uint8Array },
  right: { readonly startKey: Uint8Array; readonly endKey: Uint8Array },
): boolean {
  const before = (end: Uint8Array, start: Uint8Array): boolean => end.length > 0 && Buffer.compare(end, start) <= 0;
  return !before(left.endKey, right.startKey) && !before(right.endKey, left.startKey);
}
