import { createSeededRandom, type Random, type Runtime } from '@flotilla/runtime';
import type { LoadPlan, LoadResult } from './message.ts';
import { percentile, Samples } from './statistics.ts';

/** A store of keys as the load sees it. */
export interface LoadedStore {
  put(key: Uint8Array, value: Uint8Array): Promise<void>;
  /** Rejects when the key is not there. */
  get(key: Uint8Array): Promise<void>;
  close(): Promise<void>;
}

/** The key of a number. */
export function keyOf(position: number): Uint8Array {
  return Buffer.from(`bench-${String(position).padStart(10, '0')}`);
}

/** Puts every key of the plan once. */
export async function fill(store: LoadedStore, plan: LoadPlan): Promise<void> {
  const value = randomValue(plan, createSeededRandom(plan.seed));
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < plan.keys) {
      const key = keyOf(next);
      next += 1;
      await store.put(key, value);
    }
  };
  await Promise.all(Array.from({ length: Math.min(plan.clients, plan.keys) }, worker));
}

/**
 * Runs concurrent clients, each of which begins an operation when its last one has ended. Counts the operations that end
 * within the measurement; `onMeasuring` is called when it begins.
 */
export async function runLoad(
  store: LoadedStore,
  plan: LoadPlan,
  { clock, timers }: Pick<Runtime, 'clock' | 'timers'>,
  onMeasuring: () => void,
): Promise<LoadResult> {
  const random = createSeededRandom(plan.seed);
  const keys = Array.from({ length: plan.keys }, (_, position) => keyOf(position));
  const value = randomValue(plan, random);
  const samples = new Samples();
  const beginMs = clock.monotonicMs() + plan.warmUpMs;
  const endMs = beginMs + plan.measureMs;
  let errors = 0;
  let firstError: string | undefined;
  let isMeasuring = false;
  const client = async (): Promise<void> => {
    for (;;) {
      const startedMs = clock.monotonicMs();
      if (startedMs >= endMs) return;
      const key = keys[random.integer(0, keys.length)] as Uint8Array;
      try {
        await (plan.operation === 'put' ? store.put(key, value) : store.get(key));
      } catch (error) {
        errors += 1;
        firstError ??= error instanceof Error ? error.message : String(error);
        // A store that refuses at once must not keep this loop from ever ending.
        await timers.sleep(10);
        continue;
      }
      const nowMs = clock.monotonicMs();
      if (nowMs < beginMs || nowMs >= endMs) continue;
      if (!isMeasuring) {
        isMeasuring = true;
        onMeasuring();
      }
      samples.add(nowMs - startedMs);
    }
  };
  await Promise.all(Array.from({ length: plan.clients }, client));
  if (!isMeasuring) onMeasuring();
  const sorted = samples.sorted();
  return {
    operations: samples.count,
    seconds: plan.measureMs / 1_000,
    p50Ms: percentile(sorted, 0.5),
    p99Ms: percentile(sorted, 0.99),
    errors,
    firstError,
  };
}

function randomValue(plan: LoadPlan, random: Random): Uint8Array {
  return Uint8Array.from({ length: plan.valueBytes }, () => random.integer(0, 256));
}
