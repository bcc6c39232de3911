import { describe, expect, it } from 'vitest';
import {
  AtomicCounter,
  CancelledError,
  ConflictError,
  OutcomeUnknownError,
  runTransaction,
  type TransactionBody,
} from '../../src/index.ts';
import { LockWorld } from './lock-world.ts';

const numberAt = async (transaction: TransactionBody, key: string): Promise<number> =>
  Number(Buffer.from((await transaction.get(key)) ?? Buffer.from('0')).toString());

describe('a software transaction', () => {
  it('moves money between accounts, whoever else does, and shows no half of a move', async () => {
    const w = await LockWorld.open(7);
    const accounts = ['a', 'b', 'c', 'd'];
    for (const key of accounts) await w.run(w.backend.put({ key: Buffer.from(key), value: Buffer.from('100') }));
    let runs = 0;
    const totals = new Set<number>();
    const clients = Array.from({ length: 6 }, async (_, index) => {
      const { backend, runtime, link } = w.process(`p${index}`);
      link.requestMs = 1 + index;
      for (let round = 0; round < 10; round += 1) {
        await runTransaction(
          backend,
          async (transaction) => {
            runs += 1;
            const balances = await Promise.all(accounts.map((key) => numberAt(transaction, key)));
            totals.add(balances.reduce((sum, balance) => sum + balance, 0));
            const [from, to] = [round % 4, (round + index + 1) % 4];
            if (from === to) return;
            transaction.put(accounts[from]!, String(balances[from]! - 1));
            transaction.put(accounts[to]!, String(balances[to]! + 1));
          },
          { runtime },
        );
      }
    });
    await w.run(Promise.all(clients));
    expect([...totals]).toEqual([400]);
    expect(runs).toBeGreaterThan(60);
  });

  it('sees its own writes, writes all at one revision, and nothing when its body throws', async () => {
    const w = await LockWorld.open();
    const { backend, runtime, link } = w.process('a');
    const result = await w.run(
      runTransaction(
        backend,
        async (transaction) => {
          transaction.put('x', '1');
          transaction.put('y', '2');
          transaction.delete('x');
          return [await transaction.get('x'), await numberAt(transaction, 'y'), await transaction.get('z')];
        },
        { runtime },
      ),
    );
    expect(result).toEqual([undefined, 2, undefined]);
    expect(await w.keys()).toEqual(['y']);
    const failing = runTransaction(
      backend,
      (transaction) => {
        transaction.put('z', '1');
        throw new Error('thought better of it');
      },
      { runtime },
    );
    await expect(w.run(failing)).rejects.toThrow('thought better of it');
    expect(await w.keys()).toEqual(['y']);
    const before = link.calls.length;
    await w.run(runTransaction(backend, (transaction) => transaction.get('y'), { runtime }));
    expect(link.calls.length - before).toBe(1);
  });

  it('begins again when what it reads is compacted meanwhile', async () => {
    const w = await LockWorld.open();
    const { backend, runtime } = w.process('a');
    await w.run(w.backend.put({ key: Buffer.from('x'), value: Buffer.from('1') }));
    let runs = 0;
    const result = runTransaction(
      backend,
      async (transaction) => {
        runs += 1;
        const x = await numberAt(transaction, 'x');
        if (runs === 1) {
          await w.backend.put({ key: Buffer.from('x'), value: Buffer.from('2') });
          const { revision } = await w.backend.put({ key: Buffer.from('y'), value: Buffer.from('2') });
          await w.backend.compact(revision);
        }
        return [x, await numberAt(transaction, 'y')];
      },
      { runtime },
    );
    expect(await w.run(result)).toEqual([2, 2]);
    expect(runs).toBe(2);
  });

  it('gives way after so many attempts, ends by its signal, and says when nobody knows', async () => {
    const w = await LockWorld.open();
    const { backend, runtime, link } = w.process('a');
    let value = 0;
    const contested = async (transaction: TransactionBody): Promise<void> => {
      await transaction.get('x');
      value += 1;
      await w.backend.put({ key: Buffer.from('x'), value: Buffer.from(String(value)) });
      transaction.put('x', 'mine');
    };
    await expect(w.run(runTransaction(backend, contested, { runtime, maxAttempts: 3 }))).rejects.toBeInstanceOf(
      ConflictError,
    );
    expect(value).toBe(3);
    const signal = AbortSignal.abort();
    await expect(w.run(runTransaction(backend, contested, { runtime, signal }))).rejects.toBeInstanceOf(CancelledError);
    link.answersAreLost = true;
    const unknown = runTransaction(backend, (transaction) => transaction.put('y', '1'), { runtime });
    await expect(w.run(unknown)).rejects.toBeInstanceOf(OutcomeUnknownError);
    expect(await w.keys()).toContain('y');
  });
});

describe('an atomic counter', () => {
  it('loses no count, and gives each to one', async () => {
    const w = await LockWorld.open(3);
    const values: bigint[] = [];
    const clients = Array.from({ length: 5 }, async (_, index) => {
      const counter = new AtomicCounter('c', w.process(`p${index}`));
      for (let round = 0; round < 20; round += 1) values.push(await counter.add(1n));
    });
    await w.run(Promise.all(clients));
    expect(values.map(Number).sort((a, b) => a - b)).toEqual(Array.from({ length: 100 }, (_, index) => index + 1));
  });

  it('is 0 at first, goes below, and is set only from what is expected', async () => {
    const w = await LockWorld.open();
    const counter = new AtomicCounter('c', w.process('a'));
    expect(await w.run(counter.get())).toBe(0n);
    expect(await w.run(counter.add(-(2n ** 70n)))).toBe(-(2n ** 70n));
    expect(await w.run(counter.compareAndSet(1n, 5n))).toBe(false);
    expect(await w.run(counter.compareAndSet(-(2n ** 70n), 5n))).toBe(true);
    expect(await w.run(counter.get())).toBe(5n);
    await w.run(w.backend.put({ key: Buffer.from('/counters/c'), value: Buffer.from('five') }));
    await expect(w.run(counter.get())).rejects.toBeInstanceOf(ConflictError);
  });

  it('says when nobody knows whether it counted, and does not count twice', async () => {
    const w = await LockWorld.open();
    const process = w.process('a');
    const counter = new AtomicCounter('c', process);
    const adding = counter.add(1n);
    await w.world.advance(2);
    process.link.answersAreLost = true;
    await expect(w.run(adding)).rejects.toBeInstanceOf(OutcomeUnknownError);
    process.link.answersAreLost = false;
    expect(await w.run(counter.get())).toBe(1n);
  });
});
