import type { Runtime } from '@flotilla/runtime';
import { describe, expect, it } from 'vitest';
import {
  ConfigCenter,
  type ConfigChange,
  type CoordinationBackend,
  DistributedLock,
  type Lock,
  prefixRange,
} from '../../src/index.ts';

/** A process with its own way to the store, which can fail. */
export interface PromiseProcess {
  readonly backend: CoordinationBackend;
  readonly runtime: Runtime;
  /** Nothing gets through, in either direction. */
  cut(): void;
  /** What is asked is done, and nobody hears of it. */
  loseAnswers(): void;
  heal(): void;
}

/** A store and processes around it, in virtual time or in real. */
export interface PromiseWorld {
  readonly ttlMs: number;
  /** Its own way to the store never fails. */
  readonly observer: CoordinationBackend;
  process(name: string): Promise<PromiseProcess>;
  /** Lets time go on until the promise has settled. */
  run<T>(promise: Promise<T>): Promise<T>;
  /** Lets time go on until the condition holds. */
  until(condition: () => boolean | Promise<boolean>): Promise<void>;
  pass(ms: number): Promise<void>;
  close(): Promise<void>;
}

interface Member extends PromiseProcess {
  readonly locks: DistributedLock;
}

async function member(w: PromiseWorld, name: string): Promise<Member> {
  const process = await w.process(name);
  const { backend, runtime } = process;
  return { ...process, locks: new DistributedLock({ backend, runtime, defaultTtlMs: w.ttlMs }) };
}

async function keysBelow(w: PromiseWorld, prefix: string): Promise<number> {
  return (await w.run(w.observer.range({ ...prefixRange(Buffer.from(prefix)), countOnly: true }))).count;
}

function inLine(w: PromiseWorld, count: number): Promise<void> {
  const range = { ...prefixRange(Buffer.from('/locks/k/')), countOnly: true };
  return w.until(async () => (await w.observer.range(range)).count === count);
}

/** The nine promises of coordination when things fail, and what the locks and configuration of the original did wrong. */
export function describePromises(title: string, open: () => Promise<PromiseWorld>): void {
  const promise = (name: string, body: (w: PromiseWorld) => Promise<void>): void =>
    it(name, async () => {
      const w = await open();
      try {
        await body(w);
      } finally {
        await w.close();
      }
    }, 120_000);

  describe(`what is promised when things fail, ${title}`, () => {
    promise('1: a holder knows of its loss before another is let in', async (w) => {
      const a = await member(w, 'a');
      const lock = await w.run(a.locks.acquire('k'));
      const b = await member(w, 'b');
      const heldByBoth: boolean[] = [];
      const next = b.locks.acquire('k').then((taken) => {
        heldByBoth.push(lock.isHeld);
        return taken;
      });
      await inLine(w, 2);
      a.cut();
      expect((await w.run(next)).isHeld).toBe(true);
      expect(heldByBoth).toEqual([false]);
    });

    promise('2: tokens grow, and a guarded write of a former holder is refused', async (w) => {
      const a = await member(w, 'a');
      const former = await w.run(a.locks.acquire('k'));
      await w.run(former.guardedPut('r', 'first'));
      a.cut();
      const lock = await w.run((await member(w, 'b')).locks.acquire('k'));
      expect(lock.fencingToken).toBeGreaterThan(former.fencingToken);
      await w.run(lock.guardedPut('r', 'second'));
      a.heal();
      await expect(w.run(former.guardedPut('r', 'late'))).rejects.toMatchObject({ code: 'conflict' });
      const { kvs } = await w.run(w.observer.range({ key: Buffer.from('r') }));
      expect(Buffer.from(kvs[0]!.value).toString()).toBe('second');
    });

    promise('3: a loss aborts the signal, and a wait that is given up leaves nothing behind', async (w) => {
      const a = await member(w, 'a');
      const lock = await w.run(a.locks.acquire('k'));
      const b = await member(w, 'b');
      const leases = (await w.run(w.observer.leases())).length;
      const controller = new AbortController();
      const waiting = b.locks.acquire('k', { signal: controller.signal });
      waiting.catch(() => {});
      await inLine(w, 2);
      controller.abort();
      await expect(w.run(waiting)).rejects.toMatchObject({ code: 'cancelled' });
      await inLine(w, 1);
      await w.until(async () => (await w.observer.leases()).length === leases);
      a.cut();
      await w.until(() => lock.signal.aborted);
      expect(lock.isHeld).toBe(false);
    });

    promise('4: after waiting the lease is looked at again: one that ran out costs the place', async (w) => {
      const a = await w.run((await member(w, 'a')).locks.acquire('k'));
      const b = await member(w, 'b');
      const second = b.locks.acquire('k');
      await inLine(w, 2);
      const third = (await member(w, 'c')).locks.acquire('k');
      await inLine(w, 3);
      b.cut();
      await inLine(w, 2);
      b.heal();
      await w.run(a.release());
      const lock = await w.run(third);
      expect(lock.isHeld).toBe(true);
      await w.run(lock.release());
      expect((await w.run(second)).fencingToken).toBeGreaterThan(lock.fencingToken);
    });

    promise('5: re-entrancy is by owner, and two acquisitions of one process exclude each other', async (w) => {
      const { locks } = await member(w, 'a');
      const one = await w.run(locks.acquireReentrant('k', { owner: 'x' }));
      const again = await w.run(locks.acquireReentrant('k', { owner: 'x' }));
      expect(again.acquireCount()).toBe(2);
      expect(await w.run(locks.tryAcquire('k'))).toBeUndefined();
      const other = locks.acquire('k');
      await inLine(w, 2);
      await w.run(one.release());
      expect(again.isHeld).toBe(true);
      await w.run(again.release());
      expect((await w.run(other)).isHeld).toBe(true);
    });

    promise('6: first come, first served; readers share, and keep writers out by the order of arrival', async (w) => {
      const members = await Promise.all(['a', 'b', 'c', 'd'].map((name) => member(w, name)));
      const order: string[] = [];
      const [first, second] = await Promise.all(
        members.slice(0, 2).map(({ locks }) => w.run(locks.acquireReadLock('k'))),
      );
      const enter = (who: string, asked: Promise<Lock>): Promise<Lock> =>
        asked.then((lock) => {
          order.push(who);
          return lock;
        });
      const writer = enter('writer', members[2]!.locks.acquireWriteLock('k'));
      await inLine(w, 3);
      const reader = enter('reader', members[3]!.locks.acquireReadLock('k'));
      await inLine(w, 4);
      await w.run(first!.release());
      expect({ order, isHeld: second!.isHeld }).toEqual({ order: [], isHeld: true });
      await w.run(second!.release());
      await w.run((await w.run(writer)).release());
      await w.run(reader);
      expect(order).toEqual(['writer', 'reader']);
    });

    promise('7: a watch goes on where it was, and says so when what it missed is compacted', async (w) => {
      const cut = await w.process('reader');
      const reader = ConfigCenter.open({ backend: cut.backend, clock: cut.runtime.clock });
      const writing = ConfigCenter.open({ backend: w.observer, clock: cut.runtime.clock });
      const watch = reader.watch('c');
      const changes: ConfigChange[] = [];
      const reading = (async () => {
        for await (const change of watch) changes.push(change);
      })();
      await w.run(watch.ready());
      const seen = (type: string): number => changes.filter((change) => change.type === type).length;
      await w.run(writing.set('c', '1'));
      await w.until(() => changes.length === 1);
      cut.cut();
      await w.run(writing.set('c', '2'));
      await w.run(writing.set('c', '3'));
      cut.heal();
      await w.until(() => changes.length === 3);
      cut.cut();
      await w.run(writing.set('c', '4'));
      const { version } = await w.run(writing.set('c', '5'));
      await w.run(w.observer.compact(version));
      cut.heal();
      await w.until(() => seen('reset') === 1 || changes.length === 5);
      await w.run(writing.set('c', '6'));
      await w.until(() => changes.some((change) => change.type === 'update' && change.newValue === '6'));
      expect(changes.map((change) => (change.type === 'reset' ? change.values[0]?.value : change.newValue))).toEqual(
        seen('reset') === 1 ? ['1', '2', '3', '5', '6'] : ['1', '2', '3', '4', '5', '6'],
      );
      await w.run(watch.close());
      await w.run(reading);
    });

    promise('8: changes come in order with their old values, and a lost answer is said to be unknown', async (w) => {
      const process = await w.process('writer');
      const writer = ConfigCenter.open({ backend: process.backend, clock: process.runtime.clock });
      const observer = ConfigCenter.open({ backend: w.observer, clock: process.runtime.clock });
      const watch = observer.watchPrefix('');
      const changes: ConfigChange[] = [];
      const reading = (async () => {
        for await (const change of watch) changes.push(change);
      })();
      await w.run(watch.ready());
      await w.run(writer.set('c', '1'));
      await w.run(writer.set('c', '2'));
      const key = Buffer.from('u');
      process.loseAnswers();
      const put = process.backend.put({ key, value: Buffer.from('v') }, { timeoutMs: w.ttlMs });
      await expect(w.run(put)).rejects.toMatchObject({ code: 'outcomeUnknown' });
      process.heal();
      // Carried out once, and not tried again by itself.
      expect((await w.run(process.backend.range({ key }))).kvs[0]?.version).toBe(1n);
      await w.run(writer.delete('c'));
      await w.until(() => changes.length === 3);
      const told = changes.map((change) => (change.type === 'reset' ? change : [change.oldValue, change.newValue]));
      expect(told).toEqual([
        [undefined, '1'],
        ['1', '2'],
        ['2', undefined],
      ]);
      const history = await w.run(writer.getHistory('c', 10));
      expect(history.map(({ type }) => type).sort()).toEqual(['create', 'delete', 'update']);
      await w.run(watch.close());
      await w.run(reading);
    });

    promise('9: release is idempotent, and closing revokes', async (w) => {
      const { locks } = await member(w, 'a');
      const lock = await w.run(locks.acquire('k'));
      await w.run(lock.release());
      await w.run(lock.release());
      expect(await keysBelow(w, '/locks/k/')).toBe(0);
      const held = await w.run(locks.acquire('k'));
      await w.run(locks.close());
      expect({ isHeld: held.isHeld, keys: await keysBelow(w, '/locks/k/') }).toEqual({ isHeld: false, keys: 0 });
    });

    promise('the ttl is honoured: renewed for as long as the holder lives, and no longer', async (w) => {
      const a = await member(w, 'a');
      const lock = await w.run(a.locks.acquire('k'));
      await w.pass(2.5 * w.ttlMs);
      expect(lock.isHeld).toBe(true);
      a.cut();
      await inLine(w, 0);
      expect(lock.isHeld).toBe(false);
    });

    promise('of two that set a value from the same version one succeeds, and its time of making stays', async (w) => {
      const centers = await Promise.all(
        ['a', 'b'].map(async (name) => {
          const { backend, runtime } = await w.process(name);
          return ConfigCenter.open({ backend, clock: runtime.clock });
        }),
      );
      const made = await w.run(centers[0]!.set('c', '0', { version: 0n }));
      await w.pass(20);
      const { version } = made;
      const outcomes = await w.run(
        Promise.allSettled(centers.map((center, number) => center.set('c', `${number}`, { version }))),
      );
      expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
      const value = await w.run(centers[0]!.get('c'));
      expect(value?.createTime).toEqual(made.createTime);
      expect(value?.version).toBeGreaterThan(version);
    });
  });
}
