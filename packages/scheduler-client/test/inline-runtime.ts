import { createSeededRandom, type Runtime, silentLogger, sleepOn, systemClock } from '@flotilla/runtime';

/** A runtime whose deferred work runs as a microtask; nothing else of it is used here. */
export function createInlineRuntime(): Runtime {
  const after = (_delayMs: number, callback: () => void) => {
    queueMicrotask(callback);
    return { cancel: () => {} };
  };
  return {
    clock: systemClock,
    random: createSeededRandom(1),
    logger: silentLogger,
    timers: {
      after,
      every: () => ({ cancel: () => {} }),
      defer: (callback) => queueMicrotask(callback),
      sleep: (delayMs, signal) => sleepOn(after, delayMs, signal),
    },
  };
}
