import type { TaskHandler } from '@flotilla/actor';
import { dataRange, type Engine, type EngineReader, userKey } from '@flotilla/engine';
import type { SplitCheckResult, SplitCheckTask } from './message.ts';
import { SplitKeyFinder } from './split-key-finder.ts';

const pairsPerRead = 512;
const family = 'default';

/** Measures regions from an explicit snapshot of the kv database, so that a long scan sees one state. */
export class SplitCheckHandler implements TaskHandler<SplitCheckTask, SplitCheckResult> {
  readonly #engine: Engine;
  readonly #closeEngine: (() => Promise<void>) | undefined;

  /** `closeEngine` ends an engine that was opened for this handler alone. */
  constructor(engine: Engine, closeEngine?: () => Promise<void>) {
    this.#engine = engine;
    this.#closeEngine = closeEngine;
  }

  async handle(task: SplitCheckTask, emit: (result: SplitCheckResult) => void): Promise<void> {
    const snapshot = this.#engine.snapshot();
    try {
      const finder = new SplitKeyFinder(task);
      const looksForMiddle = task.mode === 'middle';
      for await (const pairs of snapshot.iterate(rangeOf(task), pairsPerRead)) {
        for (const pair of pairs) finder.add(pair);
        if (finder.isDone && !looksForMiddle) break;
      }
      const found = looksForMiddle ? await findMiddle(snapshot, task, finder.bytes) : finder.finish();
      const { bytes, keys } = finder;
      const { regionId, epoch, mode } = task;
      // A copy of its own: what the engine hands out may be a view of a larger buffer, which would cross the thread whole.
      const splitKeys = found.map((key) => Uint8Array.from(userKey(family, key)));
      emit({ type: 'checked', regionId, epoch, mode, bytes, keys, splitKeys });
    } finally {
      await snapshot.close();
    }
  }

  async close(): Promise<void> {
    await this.#closeEngine?.();
  }
}

/** The first key with at least half of the bytes before it; none when a single key has the region for itself. */
async function findMiddle(reader: EngineReader, task: SplitCheckTask, bytes: number): Promise<Uint8Array[]> {
  let before = 0;
  let last: Uint8Array | undefined;
  for await (const pairs of reader.iterate(rangeOf(task), pairsPerRead)) {
    for (const { key, value } of pairs) {
      if (before > 0) last = key;
      if (before > 0 && before * 2 >= bytes) return [key];
      before += key.length + value.length;
    }
  }
  return last === undefined ? [] : [last];
}

function rangeOf({ startKey, endKey }: SplitCheckTask): ReturnType<typeof dataRange> {
  return dataRange(family, startKey, endKey);
}
