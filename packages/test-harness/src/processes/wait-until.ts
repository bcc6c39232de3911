import { createSystemRuntime, silentLogger } from '@flotilla/runtime';

const pollMs = 50;
/** Other processes run in real time, so that there is no clock to be given. */
const { clock, timers } = createSystemRuntime({ logger: silentLogger });

/** Thrown by what is being waited for: it will never come. */
export class HopelessError extends Error {}

/**
 * Looks again and again until `look` finds something; rejects after `limitMs` with what was looked for and what was last in
 * the way. An error thrown by `look` counts as not yet, unless it is hopeless.
 */
export async function waitUntil<T>(
  what: string,
  look: () => Promise<T | undefined | false> | T | undefined | false,
  limitMs = 60_000,
): Promise<T> {
  const deadline = clock.monotonicMs() + limitMs;
  let last: unknown;
  for (;;) {
    try {
      const found = await look();
      if (found !== undefined && found !== false) return found;
    } catch (error) {
      if (error instanceof HopelessError) throw error;
      last = error;
    }
    if (clock.monotonicMs() > deadline) throw new Error(`waited ${limitMs} ms for ${what}`, { cause: last });
    await timers.sleep(pollMs);
  }
}
