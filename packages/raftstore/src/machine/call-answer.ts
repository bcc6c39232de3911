import { raft_cmdpb } from '@flotilla/protocol';

/** The answer of a machine, as a response of the command that held the call. */
export function callResponse(payload: Uint8Array): raft_cmdpb.Response {
  return raft_cmdpb.Response.create({
    cmdType: raft_cmdpb.CmdType.Call,
    call: raft_cmdpb.CallResponse.create({ payload }),
  });
}
