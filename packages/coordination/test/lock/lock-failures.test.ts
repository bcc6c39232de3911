import { describe, expect, it } from 'vitest';
import {
  CancelledError,
  ClosedError,
  NotHeldError,
  SessionLostError,
  TimeoutError,
  TokenFence,
  ValidationError,
} from '../../src/index.ts';
import type { Lock } from '../../src/lock/lock.ts';
import { LockWorld } from './lock-world.ts';

const ttlMs = 9_000;

describe('a lock when things fail', () => {
  it('1: is known to be lost before the server lets another in, also in a process that stood still', async () => {
    const w = await LockWorld.open();
    const a = w.process('a');
    const lock = await w.run(a.locks.acquire('k'));
    const next = w.process('b').locks.acquire('k');
    a.runtime.pause();
    let lastHeldAtMs = 0;
    let isTaken = false;
    void next.then(() => {
      isTaken = true;
    });
    await w.world.runUntil(() => {
      // Asked from outside, as code would that runs right after a stall: no timer of the process has fired.
      if (lock.isHeld) lastHeldAtMs = w.world.nowMs;
      return isTaken;
    }, 60_000);
    expect(isTaken).toBe(true);
    expect(lock.isHeld).toBe(false);
    expect(lock.signal.aborted).toBe(true);
    expect(w.world.nowMs - lastHeldAtMs).toBeGreaterThan(0);
    a.runtime.resume();
    await w.world.advance(60_000);
    expect(lock.isHeld).toBe(false);
    expect((await next).isHeld).toBe(true);
  });

  it('1: is known to be lost before the server lets another in when the holder is cut off', async () => {
    const w = await LockWorld.open();
    const a = w.process('a');
    const lock = await w.run(a.locks.acquire('k'));
    const lostAtMs: number[] = [];
    lock.signal.addEventListener('abort', () => lostAtMs.push(w.world.nowMs));
    a.link.isCut = true;
    await w.run(w.process('b').locks.acquire('k'));
    expect(lostAtMs).toHaveLength(1);
    expect(lostAtMs[0]).toBeLessThan(w.world.nowMs);
    expect(lock.signal.reason).toBeInstanceOf(SessionLostError);
  });

  it('1: is held through jumps of the wall clock', async () => {
    const w = await LockWorld.open();
    const a = w.process('a');
    const lock = await w.run(a.locks.acquire('k'));
    a.runtime.clock.jumpWall(3_600_000);
    await w.world.advance(30_000);
    a.runtime.clock.jumpWall(-7_200_000);
    await w.world.advance(30_000);
    expect(lock.isHeld).toBe(true);
  });

  it('2: carries a token that grows, and a guarded put refuses a former holder', async () => {
    const w = await LockWorld.open();
    const a = w.process('a');
    const b = w.process('b');
    const former = await w.run(a.locks.acquire('k'));
    expect(await w.run(former.guardedPut('r', 'first'))).toBeGreaterThan(former.fencingToken);
    a.link.isCut = true;
    const lock = await w.run(b.locks.acquire('k'));
    expect(lock.fencingToken).toBeGreaterThan(former.fencingToken);
    a.link.isCut = false;
    await w.run(lock.guardedPut('r', 'second'));
    await expect(w.run(former.guardedPut('r', 'late'))).rejects.toBeInstanceOf(NotHeldError);
    expect(await w.keys()).toContain('r');
    const { kvs } = await w.run(w.backend.range({ key: Buffer.from('r') }));
    expect(Buffer.from(kvs[0]!.value).toString()).toBe('second');
  });

  it('2: a guarded write is refused by the store when the key is gone though the lease lives', async () => {
    const w = await LockWorld.open();
    const lock = await w.run(w.process('a').locks.acquire('k'));
    await w.run(w.backend.delete({ key: Buffer.from('/locks/k/'), end: Buffer.from('/locks/k0') }));
    expect(lock.isHeld).toBe(true);
    await expect(w.run(lock.guardedPut('r', 'late'))).rejects.toMatchObject({ code: 'conflict' });
    expect(lock.isHeld).toBe(false);
    expect(lock.signal.reason).toBeInstanceOf(NotHeldError);
    expect(await w.keys()).not.toContain('r');
    await w.world.advance(1_000);
    expect(await w.leaseIds()).toEqual([]);
  });

  it('2: a guarded transaction keeps its own conditions apart from the guard', async () => {
    const w = await LockWorld.open();
    const lock = await w.run(w.process('a').locks.acquire('k'));
    const key = Buffer.from('r');
    const request = {
      compare: [{ key, target: 'createRevision', createRevision: 7n, result: '=' }],
      success: [],
      failure: [{ type: 'put', key, value: Buffer.from('v') }],
    } as const;
    const { succeeded } = await w.run(lock.guardedTransact(request));
    expect(succeeded).toBe(false);
    expect(lock.isHeld).toBe(true);
    expect(await w.keys()).toContain('r');
  });

  it('2: other stores refuse stale tokens by a fence, also after a restart', () => {
    const fence = new TokenFence();
    expect(fence.admit('k', 5n)).toBe(true);
    expect(fence.admit('k', 5n)).toBe(true);
    expect(fence.admit('other', 1n)).toBe(true);
    expect(fence.admit('k', 9n)).toBe(true);
    const restarted = new TokenFence(fence.highest());
    expect(restarted.admit('k', 8n)).toBe(false);
    expect(restarted.admit('k', 9n)).toBe(true);
  });

  it('3: a waiting acquisition ends with its signal, its time or the closing of the locks, and leaves nothing', async () => {
    const w = await LockWorld.open();
    const holder = await w.run(w.process('a').locks.acquire('k'));
    const before = await w.keys();
    const b = w.process('b');
    const controller = new AbortController();
    const cancelled = b.locks.acquire('k', { signal: controller.signal });
    await w.world.advance(1_000);
    expect(await w.keys()).toHaveLength(2);
    controller.abort(new Error('the reason'));
    await expect(w.run(cancelled)).rejects.toMatchObject({ code: 'cancelled', cause: { message: 'the reason' } });
    expect(await w.keys()).toEqual(before);
    await expect(w.run(b.locks.acquire('k', { timeoutMs: 3_000 }))).rejects.toBeInstanceOf(TimeoutError);
    expect(await w.keys()).toEqual(before);
    const waiting = b.locks.acquire('k');
    await w.world.advance(1_000);
    const closing = b.locks.close();
    await expect(w.run(waiting)).rejects.toBeInstanceOf(ClosedError);
    await w.run(closing);
    expect(await w.keys()).toEqual(before);
    expect(await w.leaseIds()).toHaveLength(1);
    expect(holder.isHeld).toBe(true);
    const late = { signal: AbortSignal.abort() };
    await expect(w.run(w.process('c').locks.acquire('k', late))).rejects.toBeInstanceOf(CancelledError);
    expect(await w.leaseIds()).toHaveLength(1);
  });

  it('3: an acquisition that is given up while its put is on its way leaves no key, however the put ends', async () => {
    for (const lateByMs of [0, 1, 2, 3, 4, 5, 8, 500]) {
      const w = await LockWorld.open(lateByMs);
      const { link, locks } = w.process('a');
      const controller = new AbortController();
      link.requestMs = 3;
      const acquiring = locks.acquire('k', { signal: controller.signal });
      acquiring.catch(() => {});
      // The grant is answered after 4 ms; the put reaches the store at 7 ms.
      await w.world.advance(4 + lateByMs);
      if (lateByMs >= 4) {
        await w.run((await acquiring).release());
      } else {
        controller.abort();
        await expect(w.run(acquiring)).rejects.toBeInstanceOf(CancelledError);
      }
      await w.world.advance(2_000);
      expect(await w.keys()).toEqual([]);
      expect(await w.leaseIds()).toEqual([]);
    }
  });

  it('3: an acquisition whose answers are all lost leaves no key once its lease has run out or was revoked', async () => {
    const w = await LockWorld.open();
    const { link, locks } = w.process('a');
    const acquiring = locks.acquire('k', { timeoutMs: 5_000 });
    await w.world.advance(2);
    link.answersAreLost = true;
    await expect(w.run(acquiring)).rejects.toBeInstanceOf(TimeoutError);
    await w.run(locks.close());
    expect(await w.keys()).toEqual([]);
  });

  it('3: an acquisition whose put was carried out, and its answer lost, is acquired by the next try', async () => {
    const w = await LockWorld.open();
    const { link, locks } = w.process('a');
    const acquiring = locks.acquire('k');
    await w.world.advance(2);
    link.answersAreLost = true;
    await w.world.advance(100);
    expect(await w.keys()).toHaveLength(1);
    link.answersAreLost = false;
    const lock = await w.run(acquiring);
    expect(lock.fencingToken).toBe(2n);
    await w.run(lock.guardedPut('r', 'v'));
    expect(await w.keys()).toHaveLength(2);
  });

  it('3: a lock whose release has an unknown outcome is free all the same', async () => {
    const w = await LockWorld.open();
    const { link, locks } = w.process('a');
    const lock = await w.run(locks.acquire('k'));
    link.answersAreLost = true;
    const releasing = lock.release();
    expect(await w.isOpen(releasing, 1_000)).toBe(true);
    link.answersAreLost = false;
    await w.run(releasing);
    expect(await w.keys()).toEqual([]);
  });

  it('4: looks at its lease again after waiting: one that ended costs the place, not the safety', async () => {
    const w = await LockWorld.open();
    const a = await w.run(w.process('a').locks.acquire('k'));
    const b = w.process('b');
    const c = w.process('c');
    const second = b.locks.acquire('k');
    await w.world.advance(10);
    const third = c.locks.acquire('k');
    await w.world.advance(10);
    // b's lease ends while it waits.
    b.link.isCut = true;
    await w.world.advance(ttlMs + 1_000);
    b.link.isCut = false;
    await w.run(a.release());
    const lock = await w.run(third);
    expect(await w.isOpen(second, 10_000)).toBe(true);
    expect(lock.isHeld).toBe(true);
    await w.run(lock.release());
    expect((await w.run(second)).fencingToken).toBeGreaterThan(lock.fencingToken);
  });

  it('4: is not held when the process stood still between its turn and the answer', async () => {
    const w = await LockWorld.open();
    const a = await w.run(w.process('a').locks.acquire('k'));
    const b = w.process('b');
    const waiting = b.locks.acquire('k');
    await w.world.advance(100);
    await w.run(a.release());
    b.runtime.pause();
    // It is b's turn, and its lease runs out unheard of.
    const lock = await w.run(w.process('c').locks.acquire('k'));
    b.runtime.resume();
    expect(await w.isOpen(waiting, 5_000)).toBe(true);
    expect(lock.isHeld).toBe(true);
    await w.run(lock.release());
    expect((await w.run(waiting)).fencingToken).toBeGreaterThan(lock.fencingToken);
  });

  it('5: is acquired again by its owner alone, and freed when it was released as often', async () => {
    const w = await LockWorld.open();
    const { locks } = w.process('a');
    const one = await w.run(locks.acquireReentrant('k', { owner: 'x' }));
    const two = await w.run(locks.acquireReentrant('k', { owner: 'x' }));
    two.acquire();
    expect(one.acquireCount()).toBe(3);
    expect(one.owner).toBe('x');
    const other = locks.acquireReentrant('k', { owner: 'y' });
    const stranger = locks.acquire('k');
    for (const left of [2, 1]) {
      await w.run(one.release());
      expect(two.acquireCount()).toBe(left);
      expect(await w.isOpen(other, 20_000)).toBe(true);
    }
    await w.run(two.release());
    expect(one.acquireCount()).toBe(0);
    expect(() => one.acquire()).toThrow(NotHeldError);
    const next = await w.run(other);
    expect(await w.isOpen(stranger, 20_000)).toBe(true);
    await w.run(one.release());
    expect(next.isHeld).toBe(true);
    await w.run(next.release());
    await w.run(stranger);
  });

  it('5: serves calls of one owner that come together with one lock', async () => {
    const w = await LockWorld.open();
    const { locks, link } = w.process('a');
    const owner = 'x';
    const [one, two] = await w.run(
      Promise.all([locks.acquireReentrant('k', { owner }), locks.acquireReentrant('k', { owner })]),
    );
    expect(one.acquireCount()).toBe(2);
    expect(link.counts()['grantLease']).toBe(1);
    await w.run(Promise.all([one.release(), two.release()]));
    expect(await w.keys()).toEqual([]);
    const again = await w.run(locks.acquireReentrant('k', { owner }));
    expect(again.acquireCount()).toBe(1);
  });

  it('5: a call whose forerunner of the same owner is given up goes on by itself', async () => {
    const w = await LockWorld.open();
    const held = await w.run(w.process('b').locks.acquire('k'));
    const { locks } = w.process('a');
    const owner = 'x';
    const first = locks.acquireReentrant('k', { owner, timeoutMs: 1_000 });
    const second = locks.acquireReentrant('k', { owner });
    await expect(w.run(first)).rejects.toBeInstanceOf(TimeoutError);
    await expect(w.run(locks.acquireReentrant('k', { owner, timeoutMs: 500 }))).rejects.toBeInstanceOf(TimeoutError);
    await w.run(held.release());
    expect((await w.run(second)).acquireCount()).toBe(1);
  });

  it('5: is acquired anew after a loss, and refused where that is switched off or nobody is named', async () => {
    const w = await LockWorld.open();
    const { locks, link } = w.process('a');
    const owner = 'x';
    const lost = await w.run(locks.acquireReentrant('k', { owner }));
    link.isCut = true;
    await w.world.advance(ttlMs);
    link.isCut = false;
    expect(lost.acquireCount()).toBe(0);
    expect((await w.run(locks.acquireReentrant('k', { owner }))).acquireCount()).toBe(1);
    await expect(locks.acquireReentrant('k', { owner: '' })).rejects.toBeInstanceOf(ValidationError);
    const plain = w.process('b', { enableReentrant: false }).locks;
    await expect(plain.acquireReentrant('k', { owner })).rejects.toBeInstanceOf(ValidationError);
  });

  it('6: serves in the order of arrival, and wakes one waiter for each release', async () => {
    const w = await LockWorld.open();
    const holder = await w.run(w.process('holder').locks.acquire('k'));
    const order: number[] = [];
    const processes = Array.from({ length: 20 }, (_, index) => w.process(`p${index}`));
    const done = processes.map(async ({ locks, link }, index) => {
      const lock = await locks.acquire('k');
      order.push(index);
      await lock.release();
      return link.counts();
    });
    for (const [index] of processes.entries()) {
      await w.world.advance(5 + index);
    }
    await w.world.advance(1_000);
    await w.run(holder.release());
    const counts = await w.run(Promise.all(done));
    expect(order).toEqual(processes.map((_, index) => index));
    for (const { grantLease, transact, watch, range, revokeLease } of counts) {
      expect({ grantLease, transact, watch, range, revokeLease }).toEqual({
        grantLease: 1,
        transact: 2,
        watch: 1,
        range: undefined,
        revokeLease: 1,
      });
    }
  });

  it('6: lets readers and writers in by arrival: a writer waits for readers before it and holds up those behind', async () => {
    const w = await LockWorld.open();
    const inside: string[] = [];
    const locks = new Map<string, Lock>();
    const arrive = async (label: string, kind: 'acquireReadLock' | 'acquireWriteLock') => {
      const lock = w.process(label).locks[kind]('k');
      void lock.then((held) => {
        inside.push(label);
        locks.set(label, held);
      });
      await w.world.advance(20);
    };
    const leave = async (label: string) => {
      inside.splice(inside.indexOf(label), 1);
      await w.run(locks.get(label)!.release());
      await w.world.advance(60_000);
    };
    await arrive('r1', 'acquireReadLock');
    await arrive('r2', 'acquireReadLock');
    await arrive('w3', 'acquireWriteLock');
    await arrive('r4', 'acquireReadLock');
    await arrive('w5', 'acquireWriteLock');
    await arrive('r6', 'acquireReadLock');
    await arrive('r7', 'acquireReadLock');
    expect(inside).toEqual(['r1', 'r2']);
    // In each step: who leaves, and who is inside then.
    for (const [left, then] of [
      ['r2', ['r1']],
      ['r1', ['w3']],
      ['w3', ['r4']],
      ['r4', ['w5']],
      ['w5', ['r6', 'r7']],
    ] as const) {
      await leave(left);
      expect([...inside].sort()).toEqual(then);
    }
  });

  it('7: a waiter whose watch lost its past to compaction looks again', async () => {
    const w = await LockWorld.open();
    const holder = await w.run(w.process('a').locks.acquire('k'));
    const b = w.process('b');
    const waiting = b.locks.acquire('k');
    await w.world.advance(100);
    await w.run(w.backend.put({ key: Buffer.from('z'), value: Buffer.from('') }));
    await w.run(w.backend.put({ key: Buffer.from('z'), value: Buffer.from('') }));
    await w.run(w.backend.compact(5n));
    expect(await w.isOpen(waiting, 1_000)).toBe(true);
    await w.run(holder.release());
    expect((await w.run(waiting)).isHeld).toBe(true);
  });

  it('8: a guarded put whose answer was lost says that nobody knows', async () => {
    const w = await LockWorld.open();
    const { link, locks } = w.process('a');
    const lock = await w.run(locks.acquire('k'));
    link.answersAreLost = true;
    await expect(w.run(lock.guardedPut('r', 'v'))).rejects.toMatchObject({ code: 'outcomeUnknown' });
    expect(await w.keys()).toContain('r');
    expect(lock.isHeld).toBe(true);
  });

  it('9: is released once however often that is asked, and closing releases what is held', async () => {
    const w = await LockWorld.open();
    const { link, locks } = w.process('a');
    const lock = await w.run(locks.acquire('k'));
    await w.run(Promise.all([lock.release(), lock.release()]));
    await w.run(lock.release());
    expect(link.counts()['revokeLease']).toBe(1);
    expect(lock.isHeld).toBe(false);
    expect(lock.ttl()).toBe(0);
    expect(lock.signal.reason).toMatchObject({ name: 'AbortError' });
    await w.run(Promise.all([locks.acquire('m'), locks.acquire('n'), locks.acquireReadLock('o')]));
    await w.run(locks.close());
    await w.run(locks.close());
    expect(await w.keys()).toEqual([]);
    expect(await w.leaseIds()).toEqual([]);
    await expect(w.run(locks.acquire('k'))).rejects.toBeInstanceOf(ClosedError);
  });

  it('9: a lost lock is released without waiting for a server', async () => {
    const w = await LockWorld.open();
    const { link, locks } = w.process('a');
    const lock = await w.run(locks.acquire('k'));
    link.isCut = true;
    await w.world.advance(ttlMs);
    expect(lock.isHeld).toBe(false);
    expect(await w.isOpen(lock.release(), 1)).toBe(false);
  });
});
