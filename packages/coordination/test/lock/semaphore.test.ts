import { describe, expect, it } from 'vitest';
import { CancelledError, ClosedError, type Permit, Semaphore, ValidationError } from '../../src/index.ts';
import { LockWorld } from './lock-world.ts';

const ttlMs = 9_000;

function open(w: LockWorld, label: string, permits = 2) {
  const process = w.process(label);
  const options = { backend: process.backend, runtime: process.runtime, defaultTtlMs: ttlMs };
  return { ...process, semaphore: new Semaphore('s', permits, options) };
}

describe('a semaphore', () => {
  it('lets so many in, and the next in the order of arrival as soon as one leaves', async () => {
    const w = await LockWorld.open();
    const inside: number[] = [];
    const permits: Permit[] = [];
    for (let number = 0; number < 6; number += 1) {
      void open(w, `p${number}`)
        .semaphore.acquire()
        .then((permit) => {
          inside.push(number);
          permits[number] = permit;
        });
      await w.world.advance(20);
    }
    await w.world.advance(30_000);
    expect(inside).toEqual([0, 1]);
    expect(await w.run(open(w, 'counter').semaphore.held())).toBe(2);
    for (const [leaving, then] of [
      [1, [0, 1, 2]],
      [0, [0, 1, 2, 3]],
      [3, [0, 1, 2, 3, 4]],
    ] as const) {
      await w.run(permits[leaving]!.release());
      await w.world.advance(100);
      expect(inside).toEqual(then);
    }
    expect(permits[2]!.isHeld && permits[4]!.isHeld).toBe(true);
    expect(permits[3]!.isHeld).toBe(false);
    expect(permits[4]!.fencingToken).toBeGreaterThan(permits[2]!.fencingToken);
  });

  it('takes back the permit of a process that is gone', async () => {
    const w = await LockWorld.open();
    const a = open(w, 'a', 1);
    const permit = await w.run(a.semaphore.acquire({ owner: 'a' }));
    const next = open(w, 'b', 1).semaphore.acquire();
    a.link.isCut = true;
    const lostAtMs: number[] = [];
    permit.signal.addEventListener('abort', () => lostAtMs.push(w.world.nowMs));
    await w.run(next);
    expect(lostAtMs[0]).toBeLessThan(w.world.nowMs);
  });

  it('goes on when the first in line gives up or is gone', async () => {
    const w = await LockWorld.open();
    const holder = await w.run(open(w, 'a', 1).semaphore.acquire());
    const controller = new AbortController();
    const first = open(w, 'b', 1).semaphore.acquire({ signal: controller.signal });
    await w.world.advance(20);
    const second = open(w, 'c', 1);
    const gone = second.semaphore.acquire();
    gone.catch(() => {});
    await w.world.advance(20);
    const third = open(w, 'd', 1).semaphore.acquire();
    await w.world.advance(20);
    controller.abort();
    await expect(w.run(first)).rejects.toBeInstanceOf(CancelledError);
    second.runtime.halt();
    await w.world.advance(ttlMs + 500);
    await w.run(holder.release());
    expect((await w.run(third)).isHeld).toBe(true);
  });

  it('is tried: at once, and without a trace when none is free or others wait', async () => {
    const w = await LockWorld.open();
    const a = open(w, 'a');
    const b = open(w, 'b');
    expect((await w.run(a.semaphore.tryAcquire()))?.isHeld).toBe(true);
    const second = await w.run(a.semaphore.tryAcquire());
    const before = await w.keys();
    expect(await w.run(b.semaphore.tryAcquire())).toBeUndefined();
    expect(await w.keys()).toEqual(before);
    const waiting = b.semaphore.acquire();
    await w.world.advance(20);
    expect(await w.run(a.semaphore.tryAcquire())).toBeUndefined();
    await w.run(second!.release());
    await w.run(waiting);
  });

  it('takes one permit when the answer to the exchange was lost', async () => {
    const w = await LockWorld.open();
    const { semaphore, link } = open(w, 'a');
    const acquiring = semaphore.acquire();
    // Grant, place and count take 2 ms each; the exchange reaches the store at 7 ms.
    await w.world.advance(6);
    link.answersAreLost = true;
    await w.world.advance(100);
    expect((await w.keys()).filter((key) => key.includes('/permits/'))).toHaveLength(1);
    link.answersAreLost = false;
    const permit = await w.run(acquiring);
    await w.run(permit.guardedPut('r', 'v'));
    expect(await w.run(semaphore.held())).toBe(1);
  });

  it('ends waits and gives its permits back when it is closed', async () => {
    const w = await LockWorld.open();
    const { semaphore } = open(w, 'a', 1);
    const permit = await w.run(semaphore.acquire());
    const waiting = semaphore.acquire();
    await w.world.advance(20);
    const closing = semaphore.close();
    await expect(w.run(waiting)).rejects.toBeInstanceOf(ClosedError);
    await w.run(closing);
    expect(permit.isHeld).toBe(false);
    expect(await w.keys()).toEqual([]);
    expect(await w.leaseIds()).toEqual([]);
  });

  it.each([0, -1, 1.5, Number.NaN])('refuses %d permits', async (permits) => {
    const w = await LockWorld.open();
    expect(() => open(w, 'a', permits)).toThrow(ValidationError);
  });
});
