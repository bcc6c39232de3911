import type { Runtime, SimulatedRuntime } from '@flotilla/runtime';

/** The runtime of a node whose monotonic clock, and timers with it, run at `rate` times the world's speed. */
export function withClockRate(runtime: SimulatedRuntime, rate: number): Runtime {
  const { clock, timers } = runtime;
  return {
    ...runtime,
    clock: { monotonicMs: () => clock.monotonicMs() * rate, wallMs: () => clock.wallMs() },
    timers: {
      after: (delayMs, callback) => timers.after(delayMs / rate, callback),
      every: (periodMs, callback) => timers.every(periodMs / rate, callback),
      defer: (callback) => timers.defer(callback),
      sleep: (delayMs, signal) => timers.sleep(delayMs / rate, signal),
    },
  };
}
