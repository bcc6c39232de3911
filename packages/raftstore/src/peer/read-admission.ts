import type { errorpb, raft_cmdpb } from '@flotilla/protocol';
import { failed, invalidRequest, notLeader, serverIsBusy, storeNotMatch } from '../region-error.ts';
import type { Reply } from '../reply.ts';
import type { Peer } from './peer.ts';

/** Takes a read, or tells why not. */
export function takeRead(peer: Peer, request: raft_cmdpb.RaftCmdRequest, reply: Reply): errorpb.Error | undefined {
  const { config, runtime } = peer.context;
  if (peer.reads.length >= config.maxPendingReads) return serverIsBusy('too many reads of the region are under way');
  peer.reads.push({ request, reply, receivedAtMs: runtime.clock.monotonicMs() });
  return undefined;
}

/**
 * Why a replica that does not lead cannot take a read. Epoch and keys are checked when the read runs: until then the
 * replica catches up with what its leader, and perhaps the caller, knows already.
 */
export function checkReplicaRead(peer: Peer, request: raft_cmdpb.RaftCmdRequest): errorpb.Error | undefined {
  const { context, meta } = peer;
  const asked = request.header?.peer;
  if (asked !== undefined && asked.storeId !== context.storeId) return storeNotMatch(asked.storeId, context.storeId);
  if (asked !== undefined && asked.id !== 0 && asked.id !== meta.id) {
    return invalidRequest('header.peer', `peer ${asked.id} is not here, peer ${meta.id} is`);
  }
  return peer.isInitialized && peer.leader !== undefined ? undefined : notLeader(peer.regionId, peer.leader);
}

/**
 * Begins a round for the reads that wait. A leader that holds a lease is answered at once; a follower asks its leader, and
 * asks again when it has heard nothing for a heartbeat's time.
 */
export function beginReadRound(peer: Peer, nowMs: () => number): void {
  const { node, reads } = peer;
  if (reads.isEmpty) return;
  if (node.leader === 0) {
    failReads(peer);
    return;
  }
  const context = reads.beginRound();
  if (context === undefined) return;
  if (node.readIndex(context, peer.lease?.isHeld(node, nowMs()) ?? false) !== 'accepted') reads.restart();
}

/** A heartbeat's time has passed at a follower: asks for rounds again whose request or answer may be lost, but not for ever. */
export function retryReads(peer: Peer): void {
  const { reads } = peer;
  if (reads.isEmpty || peer.isLeader) return;
  const { config, metrics, runtime } = peer.context;
  const overdueMs = runtime.clock.monotonicMs() - 2 * config.electionTicks * config.tickIntervalMs;
  for (const read of reads.takeOlder(overdueMs)) {
    metrics.readDone(runtime.clock.monotonicMs() - read.receivedAtMs);
    read.reply(failed(serverIsBusy('the replica does not catch up with its leader'), peer.term));
  }
  reads.restart();
}

/** Answers every read that waits with who leads, as far as it is known. */
export function failReads(peer: Peer): void {
  for (const read of peer.reads.drain()) read.reply(failed(notLeader(peer.regionId, peer.leader), peer.term));
}
