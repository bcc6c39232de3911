import type { Clock } from '@flotilla/runtime';
import { checkRegister, describeVerdict, formatHistory, HistoryRecorder } from '@flotilla/test-harness';

/** What the example tests: a store that may answer from an old copy. */
export interface Store {
  put(key: string, value: string): Promise<void>;
  get(key: string): Promise<string | null>;
}

/** Writes twice and reads once; answers the verdict, and the history for other judges. */
export async function judge(store: Store, clock: Clock) {
  const history = new HistoryRecorder(clock);
  for (const value of ['a', 'b']) {
    const call = history.invoke(1, 'put', 'x', value);
    // An error does not say whether the write will take effect: unknown, not failed.
    await store.put('x', value).then(
      () => call.ok(),
      () => call.info(),
    );
  }
  const call = history.invoke(2, 'get', 'x');
  call.ok(await store.get('x'));
  return { verdict: describeVerdict(checkRegister(history.operations())), ndjson: formatHistory(history.events) };
}
