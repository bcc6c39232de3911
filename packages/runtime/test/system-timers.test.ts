import { describe, expect, it, vi } from 'vitest';
import { createSystemTimers } from '../src/system-timers.ts';

/** The timers that keep this process alive. */
const activeTimers = (): number => process.getActiveResourcesInfo().filter((resource) => resource === 'Timeout').length;

describe('createSystemTimers', () => {
  it('fires once, after those with a shorter delay', async () => {
    const timers = createSystemTimers();
    const fired: string[] = [];
    await new Promise<void>((resolve) => {
      timers.after(30, () => {
        fired.push('later');
        resolve();
      });
      timers.after(1, () => fired.push('sooner'));
    });
    expect(fired).toEqual(['sooner', 'later']);
  });

  it('repeats until cancelled', () => {
    vi.useFakeTimers();
    try {
      const timers = createSystemTimers();
      let rounds = 0;
      const handle = timers.every(10, () => {
        rounds += 1;
        if (rounds === 3) handle.cancel();
      });
      vi.advanceTimersByTime(1_000);
      expect(rounds).toBe(3);
    } finally {
      vi.useRealTimers();
    }
  });

  it('keeps the order of deferrals and runs them after promise continuations', async () => {
    const timers = createSystemTimers();
    const history: string[] = [];
    await new Promise<void>((resolve) => {
      timers.defer(() => history.push('deferred 1'));
      timers.defer(() => {
        history.push('deferred 2');
        resolve();
      });
      void Promise.resolve().then(() => history.push('promise'));
      history.push('now');
    });
    expect(history).toEqual(['now', 'promise', 'deferred 1', 'deferred 2']);
  });

  it('ends a sleep when its signal aborts, and disarms its timer', async () => {
    const timers = createSystemTimers();
    const stop = new AbortController();
    const before = activeTimers();
    const sleeping = timers.sleep(1_000_000, stop.signal);
    expect(activeTimers()).toBe(before + 1);
    stop.abort(new Error('enough'));
    await expect(sleeping).rejects.toThrow('enough');
    expect(activeTimers()).toBe(before);
    await expect(timers.sleep(1, AbortSignal.abort(new Error('before')))).rejects.toThrow('before');
    await expect(timers.sleep(1, new AbortController().signal)).resolves.toBeUndefined();
  });

  it('keeps the process alive with its timers only when not unref', () => {
    const before = activeTimers();
    const loose = createSystemTimers({ unref: true });
    const handles = [loose.after(1_000_000, () => {}), loose.every(1_000_000, () => {})];
    expect(activeTimers()).toBe(before);
    const holding = createSystemTimers();
    handles.push(
      holding.after(1_000_000, () => {}),
      holding.every(1_000_000, () => {}),
    );
    expect(activeTimers()).toBe(before + 2);
    for (const handle of handles) handle.cancel();
    expect(activeTimers()).toBe(before);
  });

  it('waits out delays that setTimeout cannot, and can cancel them on the way', () => {
    vi.useFakeTimers();
    try {
      const timers = createSystemTimers();
      const fired: string[] = [];
      const month = 30 * 24 * 3_600_000;
      timers.after(month, () => fired.push('month'));
      const cancelled = timers.after(month, () => fired.push('cancelled'));
      vi.advanceTimersByTime(month - 1);
      expect(fired).toEqual([]);
      cancelled.cancel();
      vi.advanceTimersByTime(1);
      expect(fired).toEqual(['month']);
    } finally {
      vi.useRealTimers();
    }
  });

  it('rounds a delay up, because setTimeout would round it down and fire early', () => {
    const arm = vi.spyOn(globalThis, 'setTimeout');
    try {
      createSystemTimers()
        .after(1.5, () => {})
        .cancel();
      expect(arm).toHaveBeenCalledWith(expect.any(Function), 2);
    } finally {
      arm.mockRestore();
    }
  });

  it.each([Number.NaN, -1, Infinity])('refuses the delay %s', (delayMs) => {
    const timers = createSystemTimers();
    expect(() => timers.after(delayMs, () => {})).toThrow('a delay');
    expect(() => timers.every(delayMs, () => {})).toThrow('a delay');
    expect(() => timers.every(0, () => {})).toThrow('a delay');
  });
});
