import { dataKey, type Engine } from '@flotilla/engine';
import { type metapb, raft_cmdpb } from '@flotilla/protocol';
import type { RegionTree } from '@flotilla/scheduler-client';
import { operationOf } from '../apply/command.ts';
import { callResponse } from '../machine/call-answer.ts';
import type { MachineLeadership } from '../machine/region-machine.ts';
import type { RegionMachines } from '../machine/region-machines.ts';
import { failed, invalidRequest, serverIsBusy } from '../region-error.ts';
import type { RegionSnapshots } from '../region-snapshot.ts';
import type { CommandResult, RegionSnapshot } from '../store-handle.ts';
import { checkEpoch, checkKeys } from './command-check.ts';
import type { RegionFlow } from './region-flow.ts';

/** What a read is run on. */
export interface ReadableStore {
  readonly kvEngine: Engine;
  readonly regions: RegionTree<{ readonly region: metapb.Region }>;
  readonly regionSnapshots: RegionSnapshots;
  readonly machines: Pick<RegionMachines, 'get'>;
}

/** The replica that a read is run on. */
export interface ReadableReplica {
  readonly region: metapb.Region;
  readonly term: number;
  readonly flow: RegionFlow;
  readonly leadership: MachineLeadership | undefined;
  readonly context: ReadableStore;
}

/**
 * Runs a read on the state as it is now; the caller has waited until it is fresh enough. The epoch and the keys are checked
 * against the region as applied.
 *
 * Reads synchronously: between the check and the read nothing can move the region away and delete its data.
 */
export function runRead(request: raft_cmdpb.RaftCmdRequest, replica: ReadableReplica): CommandResult {
  const { context: store, flow, region, term } = replica;
  const error = checkEpoch(request, region, store.regions) ?? checkKeys(request, region);
  if (error !== undefined) return failed(error, term);
  let snapshot: RegionSnapshot | undefined;
  const responses: raft_cmdpb.Response[] = [];
  for (const one of request.requests) {
    const operation = operationOf(one);
    if (operation?.type === 'get') {
      const value = store.kvEngine.getSync(dataKey(operation.family, operation.key));
      flow.noteRead(operation.key.length + (value?.length ?? 0), 1);
      responses.push(getResponse(value));
    } else if (operation?.type === 'snap') {
      snapshot ??= store.regionSnapshots.open(region, flow);
      if (snapshot === undefined) return failed(serverIsBusy('too many region snapshots are open'), term);
      responses.push(snapResponse(region));
    } else if (operation?.type === 'call') {
      const machine = store.machines.get(region.id);
      if (machine?.isReady !== true) return failed(serverIsBusy('the machine of the region is being loaded'), term);
      const answer = machine.read(operation.payload, replica.leadership);
      flow.noteRead(answer.length, 1);
      responses.push(callResponse(answer));
    } else {
      return failed(invalidRequest('requests', 'a read holds gets, snaps and calls that read only'), term);
    }
  }
  const header = raft_cmdpb.RaftResponseHeader.create({ currentTerm: term });
  return { response: raft_cmdpb.RaftCmdResponse.create({ header, responses }), snapshot };
}

/** An absent key has no `get` in its response, so that an empty value stays a value. */
function getResponse(value: Uint8Array | undefined): raft_cmdpb.Response {
  return raft_cmdpb.Response.create({
    cmdType: raft_cmdpb.CmdType.Get,
    get: value === undefined ? undefined : raft_cmdpb.GetResponse.create({ value }),
  });
}

function snapResponse(region: metapb.Region): raft_cmdpb.Response {
  return raft_cmdpb.Response.create({
    cmdType: raft_cmdpb.CmdType.Snap,
    snap: raft_cmdpb.SnapResponse.create({ region }),
  });
}
