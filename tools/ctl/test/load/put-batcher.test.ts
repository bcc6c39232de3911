import { BatchIncompleteError, OutcomeUnknownError, type Pair } from '@flotilla/client';
import { SimulatedWorld } from '@flotilla/runtime';
import { expect, test } from 'vitest';
import { PutBatcher } from '../../src/load/put-batcher.ts';

/** A batcher whose batches the test ends one by one. */
class BatcherBench {
  readonly world = new SimulatedWorld(1);
  readonly batches: string[] = [];
  readonly ends: { resolve(): void; reject(error: unknown): void }[] = [];
  readonly results = new Map<string, unknown>();
  readonly #batcher = new PutBatcher(
    (pairs: readonly Pair[]) =>
      new Promise<void>((resolve, reject) => {
        this.batches.push(pairs.map(({ key }) => Buffer.from(key).toString()).join(''));
        this.ends.push({ resolve, reject });
      }),
    this.world.createRuntime('loader').timers,
    { maxRecords: 3, maxBatches: 2 },
  );

  put(keys: string): void {
    for (const key of keys) {
      void this.#batcher.put(Buffer.from(key), Buffer.from('1')).then(
        () => this.results.set(key, 'written'),
        (error: unknown) => this.results.set(key, error),
      );
    }
  }

  settle(): Promise<unknown> {
    return this.world.advance(0);
  }
}

test('gathers what is put in one turn, and what comes while enough is under way', async () => {
  const bench = new BatcherBench();
  bench.put('ab');
  bench.put('cd');
  expect(bench.batches).toEqual([]);
  await bench.settle();
  expect(bench.batches).toEqual(['abc', 'd']);
  bench.put('e');
  await bench.settle();
  bench.put('f');
  await bench.settle();
  expect(bench.batches).toEqual(['abc', 'd']);
  bench.ends[1]?.resolve();
  await bench.settle();
  expect(bench.batches).toEqual(['abc', 'd', 'ef']);
  expect(bench.results).toEqual(new Map([['d', 'written']]));
});

test('ends each put as it ended in its batch', async () => {
  const bench = new BatcherBench();
  bench.put('abc');
  await bench.settle();
  const unknown = new OutcomeUnknownError('nobody knows');
  const incomplete = new BatchIncompleteError(1, [{ index: 1, error: unknown }], 2);
  bench.ends[0]?.reject(incomplete);
  await bench.settle();
  expect(bench.results).toEqual(
    new Map<string, unknown>([
      ['a', 'written'],
      ['b', unknown],
      ['c', incomplete],
    ]),
  );
});

test('fails every put of a batch that failed as a whole', async () => {
  const bench = new BatcherBench();
  bench.put('ab');
  await bench.settle();
  const closed = new Error('closed');
  bench.ends[0]?.reject(closed);
  await bench.settle();
  expect([...bench.results.values()]).toEqual([closed, closed]);
});
