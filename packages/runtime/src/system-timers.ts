import { assertDelay } from './delay.ts';
import { sleepOn } from './sleep.ts';
import type { TimerHandle, Timers } from './timers.ts';

/** The longest delay `setTimeout` takes; a longer one would fire at once. */
const longestTimeoutMs = 2 ** 31 - 1;

/** The timers of this process. A pending timer alone does not keep the process alive when `unref` is set. */
export function createSystemTimers(options: { readonly unref?: boolean } = {}): Timers {
  const hold = (timer: NodeJS.Timeout): NodeJS.Timeout => (options.unref === true ? timer.unref() : timer);
  const after = (delayMs: number, callback: () => void): TimerHandle => {
    assertDelay(delayMs, 0);
    // Rounded up because setTimeout cuts fractions off, and would fire early.
    let leftMs = Math.ceil(delayMs);
    let timer: NodeJS.Timeout;
    const arm = (): void => {
      const legMs = Math.min(leftMs, longestTimeoutMs);
      leftMs -= legMs;
      timer = hold(setTimeout(leftMs === 0 ? callback : arm, legMs));
    };
    arm();
    return { cancel: () => clearTimeout(timer) };
  };
  return {
    after,
    every: (periodMs, callback) => {
      assertDelay(periodMs, 1);
      const timer = hold(setInterval(callback, Math.min(Math.ceil(periodMs), longestTimeoutMs)));
      return { cancel: () => clearInterval(timer) };
    },
    defer: (callback) => {
      setImmediate(callback);
    },
    sleep: (delayMs, signal) => sleepOn(after, delayMs, signal),
  };
}
