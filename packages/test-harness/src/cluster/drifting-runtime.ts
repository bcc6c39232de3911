import type { Runtime, SimulatedRuntime, TimerHandle, Timers } from '@flotilla/runtime';

/**
 * The runtime of a node whose monotonic clock, and timers with it, run at `rate()` times the world's speed. The rate may
 * change at any time; a timer that is armed keeps the one it was armed at.
 */
export function withClockRate(runtime: SimulatedRuntime, rate: () => number): Runtime {
  const { clock, timers } = runtime;
  let readAtMs = clock.monotonicMs();
  let shownMs = readAtMs;
  let present = rate();
  const monotonicMs = (): number => {
    const nowMs = clock.monotonicMs();
    shownMs += (nowMs - readAtMs) * present;
    readAtMs = nowMs;
    present = rate();
    return shownMs;
  };
  return {
    ...runtime,
    clock: { monotonicMs, wallMs: () => clock.wallMs() },
    timers: {
      after: (delayMs, callback) => timers.after(delayMs / rate(), callback),
      every: (periodMs, callback) => everyAt(timers, rate, periodMs, callback),
      defer: (callback) => timers.defer(callback),
      sleep: (delayMs, signal) => timers.sleep(delayMs / rate(), signal),
    },
  };
}

/** A periodic timer that follows the rate from one round to the next. */
function everyAt(timers: Timers, rate: () => number, periodMs: number, callback: () => void): TimerHandle {
  let present = rate();
  const round = (): void => {
    if (rate() !== present) {
      present = rate();
      timer.cancel();
      timer = timers.every(periodMs / present, round);
    }
    callback();
  };
  let timer = timers.every(periodMs / present, round);
  return { cancel: () => timer.cancel() };
}
