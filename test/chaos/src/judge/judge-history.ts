import {
  checkFinalValues,
  checkRegister,
  checkSet,
  type Json,
  type Operation,
  type Verdict,
} from '@flotilla/test-harness';
import { finalProcess } from '../workload/process-number.ts';

const setOperations: ReadonlySet<string> = new Set(['add', 'read']);

/** What the checkers make of a history of registers and sets. `isRead` says that everything was read once more in the end. */
export function judgeHistory(operations: readonly Operation[], isRead: boolean): Verdict[] {
  const registers = operations.filter(({ op }) => !setOperations.has(op));
  const sets = operations.filter(({ op }) => setOperations.has(op));
  const verdicts = [checkRegister(registers), checkSet(sets)];
  return isRead ? [...verdicts, checkFinalValues(registers, finalValues(registers))] : verdicts;
}

/** What each register held when everything was read once more. */
function finalValues(registers: readonly Operation[]): Map<string, Json> {
  const reads = registers.filter(
    ({ process, op, outcome }) => process >= finalProcess && op === 'get' && outcome === 'ok',
  );
  return new Map(reads.map(({ key, output }) => [key, output]));
}

/** When writes were acknowledged, in ascending order, given when the history began. */
export function acknowledgements(operations: readonly Operation[], originMs: number): number[] {
  return operations
    .filter(({ op, outcome }) => outcome === 'ok' && op !== 'get' && op !== 'read')
    .map(({ returnedAtNs }) => originMs + returnedAtNs / 1e6)
    .sort((a, b) => a - b);
}
