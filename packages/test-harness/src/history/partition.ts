import type { Operation } from './operation.ts';

/** Parts a history by key; linearizability is local: a history has it when each key's part has it. Source: Herlihy & Wing 1990, theorem 1. */
export function partitionByKey(operations: Iterable<Operation>): Map<string, Operation[]> {
  const parts = new Map<string, Operation[]>();
  for (const operation of operations) {
    const part = parts.get(operation.key);
    if (part === undefined) parts.set(operation.key, [operation]);
    else part.push(operation);
  }
  return parts;
}
