import { type metapb, raft_cmdpb } from '@flotilla/protocol';

/** Whom an admin command is for, and as of which epoch; what is left out is not checked. */
export interface AdminTarget {
  readonly regionId: number;
  readonly peer?: metapb.Peer | undefined;
  readonly regionEpoch?: metapb.RegionEpoch | undefined;
}

/** A command that changes a region itself, or has something done about it. */
export function adminCommand(target: AdminTarget, admin: Partial<raft_cmdpb.AdminRequest>): raft_cmdpb.RaftCmdRequest {
  return raft_cmdpb.RaftCmdRequest.create({
    header: raft_cmdpb.RaftRequestHeader.create(target),
    adminRequest: raft_cmdpb.AdminRequest.create(admin),
  });
}
