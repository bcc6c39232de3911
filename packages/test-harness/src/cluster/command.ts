import { type eraftpb, type errorpb, type metapb, raft_cmdpb } from '@flotilla/protocol';
import type { CommandResult } from '@flotilla/raftstore';

const { AdminCmdType, CmdType } = raft_cmdpb;

/** A header for a command on a region as it is known. */
export function headerOf(region: metapb.Region, peer?: metapb.Peer): raft_cmdpb.RaftRequestHeader {
  return raft_cmdpb.RaftRequestHeader.create({ regionId: region.id, regionEpoch: region.regionEpoch, peer });
}

/** A command that puts one pair. */
export function putCommand(
  header: raft_cmdpb.RaftRequestHeader,
  key: string | Uint8Array,
  value: string | Uint8Array,
  cf = 'default',
): raft_cmdpb.RaftCmdRequest {
  const put = { cf, key: Buffer.from(key), value: Buffer.from(value) };
  return command(header, raft_cmdpb.Request.create({ cmdType: CmdType.Put, put }));
}

/** A command that deletes one key. */
export function deleteCommand(header: raft_cmdpb.RaftRequestHeader, key: string): raft_cmdpb.RaftCmdRequest {
  const request = { cf: 'default', key: Buffer.from(key) };
  return command(header, raft_cmdpb.Request.create({ cmdType: CmdType.Delete, delete: request }));
}

/** A command that reads one key. */
export function getCommand(header: raft_cmdpb.RaftRequestHeader, key: string): raft_cmdpb.RaftCmdRequest {
  const get = { cf: 'default', key: Buffer.from(key) };
  return command(header, raft_cmdpb.Request.create({ cmdType: CmdType.Get, get }));
}

/** A command that takes a snapshot of the region. */
export function snapCommand(header: raft_cmdpb.RaftRequestHeader): raft_cmdpb.RaftCmdRequest {
  return command(header, raft_cmdpb.Request.create({ cmdType: CmdType.Snap, snap: {} }));
}

/** A command that calls the machine that a key belongs to. */
export function callCommand(
  header: raft_cmdpb.RaftRequestHeader,
  call: { readonly key: Uint8Array; readonly payload: Uint8Array; readonly isRead?: boolean },
): raft_cmdpb.RaftCmdRequest {
  return command(header, raft_cmdpb.Request.create({ cmdType: CmdType.Call, call: { isRead: false, ...call } }));
}

/** A command that adds or removes one peer. */
export function changePeerCommand(
  header: raft_cmdpb.RaftRequestHeader,
  changeType: eraftpb.ConfChangeType,
  peer: metapb.Peer,
): raft_cmdpb.RaftCmdRequest {
  const adminRequest = raft_cmdpb.AdminRequest.create({
    cmdType: AdminCmdType.ChangePeer,
    changePeer: { changeType, peer },
  });
  return raft_cmdpb.RaftCmdRequest.create({ header, adminRequest });
}

/** A command that makes several changes through a joint configuration; none leaves it. */
export function changePeersCommand(
  header: raft_cmdpb.RaftRequestHeader,
  changes: readonly (readonly [eraftpb.ConfChangeType, metapb.Peer])[],
): raft_cmdpb.RaftCmdRequest {
  const adminRequest = raft_cmdpb.AdminRequest.create({
    cmdType: AdminCmdType.ChangePeerV2,
    changePeerV2: { changes: changes.map(([changeType, peer]) => ({ changeType, peer })) },
  });
  return raft_cmdpb.RaftCmdRequest.create({ header, adminRequest });
}

/** A command that hands leadership to a peer. */
export function transferLeaderCommand(
  header: raft_cmdpb.RaftRequestHeader,
  peer: metapb.Peer,
): raft_cmdpb.RaftCmdRequest {
  const adminRequest = raft_cmdpb.AdminRequest.create({
    cmdType: AdminCmdType.TransferLeader,
    transferLeader: { peer },
  });
  return raft_cmdpb.RaftCmdRequest.create({ header, adminRequest });
}

/** A command that splits the region at a key. */
export function splitCommand(
  header: raft_cmdpb.RaftRequestHeader,
  splitKey: Uint8Array,
  newRegionId: number,
  newPeerIds: readonly number[],
): raft_cmdpb.RaftCmdRequest {
  const adminRequest = raft_cmdpb.AdminRequest.create({
    cmdType: AdminCmdType.Split,
    split: { splitKey, newRegionId, newPeerIds },
  });
  return raft_cmdpb.RaftCmdRequest.create({ header, adminRequest });
}

/** The error of an answer; `undefined` when it succeeded. */
export function errorOf(result: CommandResult): errorpb.Error | undefined {
  return result.response.header?.error;
}

function command(header: raft_cmdpb.RaftRequestHeader, request: raft_cmdpb.Request): raft_cmdpb.RaftCmdRequest {
  return raft_cmdpb.RaftCmdRequest.create({ header, requests: [request] });
}
