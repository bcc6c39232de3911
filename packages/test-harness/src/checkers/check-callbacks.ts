import { plainViolation, type Verdict, verdictOf } from './verdict.ts';

/** What happened to a callback; `id` tells callbacks apart. */
export interface CallbackEvent {
  readonly type: 'registered' | 'called';
  readonly id: string;
}

/**
 * Checks that every callback is called exactly once, after it was registered. `events` are in the order in which they
 * happened, up to a moment at which no callback may still be outstanding.
 */
export function checkCallbacks(events: Iterable<CallbackEvent>): Verdict {
  const checker = 'callbacks';
  const calls = new Map<string, number>();
  let steps = 0;
  const convict = (message: string): Verdict => verdictOf(checker, steps, plainViolation(message));
  for (const { type, id } of events) {
    steps += 1;
    const count = calls.get(id);
    if (type === 'registered') {
      if (count !== undefined) return convict(`callback ${id} is registered twice`);
      calls.set(id, 0);
      continue;
    }
    if (count === undefined) return convict(`callback ${id} is called before it is registered`);
    if (count > 0) return convict(`callback ${id} is called twice`);
    calls.set(id, 1);
  }
  for (const [id, count] of calls) if (count === 0) return convict(`callback ${id} is never called`);
  return verdictOf(checker, steps, undefined);
}
