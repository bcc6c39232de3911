import type { TimerHandle, Timers } from './timers.ts';

/** The timers of this process. A pending timer alone does not keep the process alive when `unref` is set. */
export function createSystemTimers(options: { readonly unref?: boolean } = {}): Timers {
  const hold = (timer: NodeJS.Timeout): NodeJS.Timeout => (options.unref === true ? timer.unref() : timer);
  const after = (delayMs: number, callback: () => void): TimerHandle => {
    const timer = hold(setTimeout(callback, delayMs));
    return { cancel: () => clearTimeout(timer) };
  };
  return {
    after,
    every: (periodMs, callback) => {
      const timer = hold(setInterval(callback, periodMs));
      return { cancel: () => clearInterval(timer) };
    },
    defer: (callback) => {
      setImmediate(callback);
    },
    sleep: (delayMs, signal) => sleepOn(after, delayMs, signal),
  };
}

/** `Timers.sleep` over any `after`. */
export function sleepOn(after: Timers['after'], delayMs: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted === true) {
      reject(signal.reason);
      return;
    }
    const onAbort = (): void => {
      timer.cancel();
      reject(signal?.reason);
    };
    const timer = after(delayMs, () => {
      signal?.removeEventListener('abort', onAbort);
      resolve();
    });
    signal?.addEventListener('abort', onAbort, { once: true });
  });
}
