import { describe, expect, it } from 'vitest';
import { ConflictError, NotHeldError, TimeoutError, ValidationError } from '../../src/index.ts';
import { LockWorld } from './lock-world.ts';

const ttlMs = 9_000;

describe('what the locks of the original did wrong', () => {
  it('lets readers share, and keeps writers out while they read', async () => {
    const w = await LockWorld.open();
    const { locks } = w.process('a');
    const [one, two] = await w.run(
      Promise.all([locks.acquireReadLock('k'), w.process('b').locks.acquireReadLock('k')]),
    );
    const writer = w.process('c').locks.acquireWriteLock('k');
    expect(await w.isOpen(writer, 60_000)).toBe(true);
    await w.run(one.release());
    expect(await w.isOpen(writer, 60_000)).toBe(true);
    expect(two.isHeld).toBe(true);
    await w.run(two.release());
    const held = await w.run(writer);
    expect(await w.isOpen(w.process('d').locks.acquireReadLock('k'), 60_000)).toBe(true);
    expect(held.isHeld).toBe(true);
  });

  it('makes two acquisitions of one key in one process exclude each other', async () => {
    const w = await LockWorld.open();
    const { locks } = w.process('a');
    const first = await w.run(locks.acquire('k'));
    const second = locks.acquire('k');
    expect(await w.isOpen(second, 60_000)).toBe(true);
    await w.run(first.release());
    expect((await w.run(second)).fencingToken).toBeGreaterThan(first.fencingToken);
  });

  it('honours the ttl and the interval of renewal', async () => {
    const w = await LockWorld.open();
    const { locks, link, runtime } = w.process('a', { renewIntervalMs: 1_000 });
    const lock = await w.run(locks.acquire('k', { ttlMs: 4_000 }));
    await w.world.advance(10_000);
    const renewals = link.calls.filter(({ method }) => method === 'keepLeaseAlive').map(({ atMs }) => atMs);
    expect(renewals).toHaveLength(10);
    expect(renewals[1]! - renewals[0]!).toBe(1_000);
    runtime.halt();
    // Dead from one renewal on: the lock is free a ttl after it, and no sooner.
    const waiting = w.process('b').locks.acquire('k');
    expect(await w.isOpen(waiting, 2_900)).toBe(true);
    expect(await w.isOpen(waiting, 1_200)).toBe(false);
    expect(lock.isHeld).toBe(false);
  });

  it('takes the default ttl where none is given, and refuses one that cannot be', async () => {
    const w = await LockWorld.open();
    const { locks } = w.process('a', { defaultTtlMs: 20_000 });
    expect((await w.run(locks.acquire('k'))).ttl()).toBeGreaterThan(17_000);
    await expect(w.run(locks.acquire('k', { ttlMs: 0 }))).rejects.toBeInstanceOf(ValidationError);
    await expect(w.run(locks.acquire('k', { timeoutMs: -1 }))).rejects.toBeInstanceOf(ValidationError);
    await expect(w.run(locks.acquire(''))).rejects.toBeInstanceOf(ValidationError);
  });
});

describe('an acquisition', () => {
  it('of a free lock costs a grant and a transaction, and of a taken one a watch and a look more', async () => {
    const w = await LockWorld.open();
    const a = w.process('a');
    const b = w.process('b');
    const lock = await w.run(a.locks.acquire('k'));
    expect(a.link.counts()).toEqual({ grantLease: 1, transact: 1 });
    const waiting = b.locks.acquire('k');
    await w.world.advance(100);
    expect(b.link.counts()).toEqual({ grantLease: 1, transact: 1, watch: 1 });
    await w.run(lock.release());
    await w.run(waiting);
    expect(a.link.counts()).toEqual({ grantLease: 1, transact: 1, revokeLease: 1 });
    expect(b.link.counts()).toEqual({ grantLease: 1, transact: 2, watch: 1 });
  });
});

describe('tryAcquire', () => {
  it('takes a free lock and leaves a taken one, without a trace', async () => {
    const w = await LockWorld.open();
    const { locks } = w.process('a');
    const lock = await w.run(locks.tryAcquire('k'));
    expect(lock?.isHeld).toBe(true);
    const b = w.process('b');
    const startMs = w.world.nowMs;
    expect(await w.run(b.locks.tryAcquire('k'))).toBeUndefined();
    expect(w.world.nowMs - startMs).toBeLessThan(10);
    expect(await w.keys()).toHaveLength(1);
    expect(await w.leaseIds()).toHaveLength(1);
    await w.run(lock!.release());
    expect((await w.run(b.locks.tryAcquire('k')))?.isHeld).toBe(true);
  });

  it('fails while a reader holds it, or another waits', async () => {
    const w = await LockWorld.open();
    const { locks } = w.process('a');
    await w.run(locks.acquireReadLock('k'));
    expect(await w.run(locks.tryAcquire('k'))).toBeUndefined();
  });

  it('gets the lock it took, when the answer was lost', async () => {
    const w = await LockWorld.open();
    const { link, locks } = w.process('a');
    const acquiring = locks.tryAcquire('k');
    await w.world.advance(2);
    link.answersAreLost = true;
    await w.world.advance(100);
    link.answersAreLost = false;
    expect((await w.run(acquiring))?.isHeld).toBe(true);
    expect(await w.keys()).toHaveLength(1);
  });
});

describe('names', () => {
  it('that begin alike are of different locks', async () => {
    const w = await LockWorld.open();
    const { locks } = w.process('a');
    const inner = await w.run(
      Promise.all(['k/part', 'k/ab', 'k/r12', 'k/ab/cd', 'kk'].map((key) => locks.acquire(key))),
    );
    const outer = await w.run(locks.acquire('k'));
    expect(inner.every((lock) => lock.isHeld) && outer.isHeld).toBe(true);
    expect(await w.run(locks.tryAcquire('k'))).toBeUndefined();
    const waiting = locks.acquire('k');
    const late = await w.run(locks.acquire('k/late'));
    expect(await w.isOpen(waiting, 1_000)).toBe(true);
    await w.run(outer.release());
    await w.run((await w.run(waiting)).release());
    expect((await w.run(locks.tryAcquire('k')))?.isHeld).toBe(true);
    const readers = await w.run(Promise.all([locks.acquireReadLock('k/ab'), 0].slice(1)));
    expect(readers).toEqual([0]);
    expect(late.isHeld).toBe(true);
  });

  it('stand below the prefix, as the recipes of etcd have them', async () => {
    const w = await LockWorld.open();
    const { locks } = w.process('a', { keyPrefix: '/mine/' });
    await w.run(locks.acquire('jobs/7', { owner: 'me' }));
    expect(await w.keys()).toEqual([expect.stringMatching(/^\/mine\/jobs\/7\/[0-9a-f]+$/)]);
    const bare = w.process('b', { keyPrefix: '' }).locks;
    await w.run(bare.acquireReadLock('jobs/7'));
    expect(await w.keys()).toContainEqual(expect.stringMatching(/^jobs\/7\/r[0-9a-f]+$/));
  });
});

describe('renew', () => {
  it('starts the ttl afresh', async () => {
    const w = await LockWorld.open();
    const lock = await w.run(w.process('a').locks.acquire('k'));
    await w.world.advance(2_000);
    expect(lock.ttl()).toBeLessThan(ttlMs - 2_000);
    await w.run(lock.renew());
    expect(lock.ttl()).toBeGreaterThan(ttlMs - 1_000);
  });

  it('with another ttl keeps the lock and its token, on a lease of that length', async () => {
    const w = await LockWorld.open();
    const a = w.process('a');
    const lock = await w.run(a.locks.acquire('k'));
    const { fencingToken } = lock;
    await w.run(lock.renew(60_000));
    expect(lock.ttl()).toBeGreaterThan(58_000);
    expect(lock.fencingToken).toBe(fencingToken);
    await w.run(lock.guardedPut('r', 'v'));
    await w.world.advance(1_000);
    expect(await w.leaseIds()).toHaveLength(1);
    await w.run(lock.renew(3_000));
    expect(lock.ttl()).toBeLessThan(3_000);
    await w.world.advance(10_000);
    expect(lock.isHeld).toBe(true);
    a.runtime.halt();
    await w.world.advance(3_200);
    expect(await w.keys()).toEqual(['r']);
  });

  it('rejects for a lock that was lost or released, and refuses a ttl that cannot be', async () => {
    const w = await LockWorld.open();
    const { link, locks } = w.process('a');
    const lock = await w.run(locks.acquire('k'));
    await expect(w.run(lock.renew(0))).rejects.toBeInstanceOf(ValidationError);
    link.isCut = true;
    await expect(w.run(lock.renew())).rejects.toBeInstanceOf(NotHeldError);
    link.isCut = false;
    await expect(w.run(lock.renew(30_000))).rejects.toBeInstanceOf(NotHeldError);
    const other = await w.run(locks.acquire('other'));
    await w.run(other.release());
    await expect(w.run(other.renew())).rejects.toBeInstanceOf(ConflictError);
  });

  it('with another ttl whose outcome stays unknown ends in a loss, and in a free lock', async () => {
    const w = await LockWorld.open();
    const { link, locks } = w.process('a');
    const lock = await w.run(locks.acquire('k'));
    const renewing = lock.renew(30_000);
    await w.world.advance(2);
    link.answersAreLost = true;
    await expect(w.run(renewing)).rejects.toBeInstanceOf(NotHeldError);
    expect(lock.isHeld).toBe(false);
    link.answersAreLost = false;
    await w.run(locks.close());
    await w.run(w.process('b').locks.acquire('k'), 60_000);
  });

  it('with a shorter ttl is known to be lost in time by a process that stood still before it heard of the answer', async () => {
    const w = await LockWorld.open();
    const a = w.process('a');
    const lock = await w.run(a.locks.acquire('k', { ttlMs: 20_000 }));
    const next = w.process('b').locks.acquire('k');
    lock.renew(3_000).catch(() => {});
    await w.world.advance(2);
    // The grant was answered, and the move is on its way; the lease that is left has a long time to live yet.
    a.runtime.pause();
    let wasShared = false;
    let isTaken = false;
    void next.then(() => {
      isTaken = true;
    });
    await w.world.runUntil(() => {
      if (isTaken && lock.isHeld) wasShared = true;
      return isTaken;
    }, 60_000);
    expect({ isTaken, wasShared }).toEqual({ isTaken: true, wasShared: false });
    expect(lock.signal.aborted).toBe(true);
  });

  it('that is overtaken by a release leaves nothing behind', async () => {
    const w = await LockWorld.open();
    const { locks } = w.process('a');
    const lock = await w.run(locks.acquire('k'));
    const renewing = lock.renew(30_000);
    renewing.catch(() => {});
    await w.world.advance(3);
    await w.run(lock.release());
    await expect(renewing).rejects.toBeDefined();
    await w.world.advance(3_000);
    expect(await w.keys()).toEqual([]);
    expect(await w.leaseIds()).toEqual([]);
  });
});

describe('acquireAll', () => {
  it('acquires in one order whoever asks, all or none', async () => {
    const w = await LockWorld.open();
    const a = w.process('a').locks;
    const b = w.process('b').locks;
    const [one, two] = [a.acquireAll(['x', 'y', 'z', 'x']), b.acquireAll(['z', 'y', 'x'])];
    const first = await w.run(Promise.race([one, two]));
    expect(first.keys).toEqual(['x', 'y', 'z']);
    expect(first.isHeld).toBe(true);
    expect(first.ttl()).toBeGreaterThan(0);
    await w.run(first.renew());
    await w.run(first.release());
    expect(first.signal.aborted).toBe(true);
    const [, second] = await w.run(Promise.all([one, two]));
    await w.run(second.release());
    await w.run(first.release());
    expect(await w.keys()).toEqual([]);
    await w.run(a.acquire('y'));
    await expect(w.run(b.acquireAll(['x', 'y'], { timeoutMs: 1_000 }))).rejects.toBeInstanceOf(TimeoutError);
    expect(await w.keys()).toHaveLength(1);
    await expect(b.acquireAll([])).rejects.toBeInstanceOf(ValidationError);
  });

  it('does not count as held when one of them is lost', async () => {
    const w = await LockWorld.open();
    const multi = await w.run(w.process('a').locks.acquireAll(['x', 'y']));
    await w.run(multi.locks[1]!.release());
    expect(multi.isHeld).toBe(false);
    expect(multi.signal.aborted).toBe(true);
  });
});
