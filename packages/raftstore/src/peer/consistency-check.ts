import { raft_cmdpb } from '@flotilla/protocol';
import { adminCommand } from '../admin-command.ts';
import { ignoreReply } from '../reply.ts';
import type { Peer } from './peer.ts';

const { AdminCmdType } = raft_cmdpb;

/** A command that makes every replica of a region hash its data. */
export function computeHashCommand(regionId: number): raft_cmdpb.RaftCmdRequest {
  return adminCommand({ regionId }, { cmdType: AdminCmdType.ComputeHash, computeHash: {} });
}

/** Has the region's replicas hash their data, unless this peer does not lead them or a check is under way. */
export function beginConsistencyCheck(peer: Peer): void {
  if (!peer.isLeader || peer.context.consistency.isChecking(peer.regionId)) return;
  peer.handle({ type: 'raftCommand', request: computeHashCommand(peer.regionId), reply: ignoreReply });
}

/** The hash of this peer's data is known: a leader has every replica compare its own with it. */
export function handleHashComputed(peer: Peer, index: number, hash: Uint8Array): void {
  if (!peer.isLeader) return;
  const request = adminCommand(
    { regionId: peer.regionId },
    { cmdType: AdminCmdType.VerifyHash, verifyHash: { index, hash } },
  );
  peer.handle({ type: 'raftCommand', request, reply: ignoreReply });
}
