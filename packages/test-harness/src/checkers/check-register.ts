import type { Operation } from '../history/operation.ts';
import { partitionByKey } from '../history/partition.ts';
import { searchRegister } from './register-search.ts';
import type { Verdict } from './verdict.ts';

/** Limits of {@link checkRegister}. */
export interface RegisterCheckOptions {
  /** How many configurations the search may try and compare for each key before it gives up as `undecided`; default 5,000,000, a few seconds. */
  readonly maxStepsPerKey?: number;
}

const defaultMaxStepsPerKey = 5_000_000;

/**
 * Checks that each key is a linearizable register: `get` (answers the value, or null), `put` (value), `delete` and `cas`
 * (`[expected, replacement]`, answers whether it replaced). Every key starts absent. An operation of unknown outcome may
 * take effect at any time after its invocation, or never; a failed one must not show.
 *
 * The witness is taken from the shortest prefix that no order explains: the operation that cannot have returned so, those
 * under way with it, the last ones before it, and the origin of the value it read.
 *
 * @throws {HistoryError} `malformedOperation` when an operation is none of a register's.
 */
export function checkRegister(operations: Iterable<Operation>, options: RegisterCheckOptions = {}): Verdict {
  const checker = 'register';
  const maxSteps = options.maxStepsPerKey ?? defaultMaxStepsPerKey;
  let steps = 0;
  let reason: string | undefined;
  for (const [key, part] of partitionByKey(operations)) {
    const result = searchRegister(part, maxSteps);
    steps += result.steps;
    if (result.outcome === 'violated') return { checker, outcome: 'violated', steps, violation: result.violation };
    if (result.outcome === 'undecided') {
      reason ??= `key ${JSON.stringify(key)} is not decided within ${maxSteps} steps`;
    }
  }
  return reason === undefined ? { checker, outcome: 'valid', steps } : { checker, outcome: 'undecided', steps, reason };
}
