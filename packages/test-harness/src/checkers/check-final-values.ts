import type { Json, Operation } from '../history/operation.ts';
import { partitionByKey } from '../history/partition.ts';
import { moveOf, ValueNumbers } from './register-move.ts';
import { type Verdict, type Violation, verdictOf } from './verdict.ts';

/**
 * Checks that no acknowledged write of a register is lost: what each key holds at the end, read after every operation with
 * a known outcome had returned, must be what some write left there that no acknowledged write came wholly after. A key
 * that `values` lacks is absent. This takes one pass, where {@link checkRegister} takes a search and judges reads too.
 *
 * @throws {HistoryError} `malformedOperation` when an operation is none of a register's.
 */
export function checkFinalValues(operations: Iterable<Operation>, values: ReadonlyMap<string, Json>): Verdict {
  const checker = 'final values';
  const parts = partitionByKey(operations);
  let steps = 0;
  for (const key of new Set([...parts.keys(), ...values.keys()])) {
    const part = parts.get(key) ?? [];
    steps += part.length + 1;
    const violation = judgeKey(key, part, values.get(key) ?? null);
    if (violation !== undefined) return verdictOf(checker, steps, violation);
  }
  return verdictOf(checker, steps, undefined);
}

function judgeKey(key: string, operations: readonly Operation[], value: Json): Violation | undefined {
  const numbers = new ValueNumbers();
  const final = numbers.numberOf(value);
  const writers: Operation[] = [];
  let latest: Operation | undefined;
  for (const operation of operations) {
    const move = moveOf(operation, numbers);
    if (move?.type !== 'write' && move?.type !== 'swap') continue;
    if (move.value === final) writers.push(operation);
    if (operation.outcome !== 'ok') continue;
    if (latest === undefined || operation.invokeOrder > latest.invokeOrder) latest = operation;
  }
  if (latest === undefined && final === 0) return undefined;
  const lost = latest;
  if (writers.some(({ returnOrder }) => lost === undefined || returnOrder >= lost.invokeOrder)) return undefined;
  const shown = `key ${JSON.stringify(key)} ends as ${JSON.stringify(value)}`;
  if (lost === undefined) return { message: `${shown}, which nobody wrote`, witness: [] };
  const origin = writers.at(-1);
  return {
    message: `${shown}: an acknowledged write is lost`,
    witness: origin === undefined ? [lost] : [origin, lost],
  };
}
