import type { errorpb, metapb, raft_cmdpb } from '@flotilla/protocol';
import { operationOf } from '../apply/command.ts';
import { invalidRequest, serverIsBusy } from '../region-error.ts';
import type { MachineKinds } from './machine-kinds.ts';

/**
 * Why a command does not get at the keys that it names: those of a machine are reached by calls of it alone, and only where
 * its region is split off.
 */
export function checkMachineKeys(
  request: raft_cmdpb.RaftCmdRequest,
  region: metapb.Region,
  kinds: MachineKinds,
): errorpb.Error | undefined {
  for (const [position, one] of request.requests.entries()) {
    const operation = operationOf(one);
    if (operation === undefined) continue;
    const field = `requests[${position}]`;
    if (operation.type === 'call') {
      const kind = kinds.ofKey(operation.key);
      if (kind === undefined) return invalidRequest(`${field}.key`, 'no machine of this store has the key');
      if (kinds.ofRegion(region) !== kind) return machineNotSplitOff(kind.name);
      continue;
    }
    const owner = operation.type === 'snap' ? kinds.ofRegion(region) : kinds.ofKey(operation.key);
    if (owner !== undefined) {
      return invalidRequest(field, `the keys belong to the machine ${owner.name}, whose calls alone reach them`);
    }
  }
  return undefined;
}

/** The machine's region is still part of a larger one, whose leader has it split off. Nothing took effect. */
export function machineNotSplitOff(name: string): errorpb.Error {
  return serverIsBusy(`the region of the machine ${name} is yet to be split off`);
}

/** Why the region is not split at the keys, or in the middle without any: what a machine has stays in one region. */
export function checkMachineSplit(
  splitKeys: readonly Uint8Array[],
  region: metapb.Region,
  kinds: MachineKinds,
): errorpb.Error | undefined {
  const kind = kinds.ofRegion(region) ?? kinds.partedBy(splitKeys);
  return kind === undefined
    ? undefined
    : invalidRequest('splitKeys', `the keys of the machine ${kind.name} stay in one region`);
}
