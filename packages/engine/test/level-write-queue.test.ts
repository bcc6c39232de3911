import { expect, test } from 'vitest';
import type { ByteLevel } from '../src/level-reader.ts';
import { LevelWriteQueue } from '../src/level-write-queue.ts';
import { OperationBatch } from '../src/write-batch.ts';

interface WrittenGroup {
  readonly operations: string[];
  readonly sync: boolean;
}

/** A database whose writes end when the test says so. */
class ManualLevel {
  readonly location = '/nowhere';
  readonly groups: WrittenGroup[] = [];
  #pending: { resolve: () => void; reject: (error: Error) => void } | undefined;

  batch() {
    const operations: string[] = [];
    return {
      get length() {
        return operations.length;
      },
      put: (key: Uint8Array) => operations.push(`put ${Buffer.from(key)}`),
      del: (key: Uint8Array) => operations.push(`delete ${Buffer.from(key)}`),
      write: ({ sync }: { sync: boolean }) => {
        expect(this.#pending).toBeUndefined();
        this.groups.push({ operations, sync });
        return new Promise<void>((resolve, reject) => {
          this.#pending = { resolve, reject };
        });
      },
    };
  }

  /** Ends the write under way, and lets what follows begin. */
  async end(error?: Error): Promise<void> {
    await settle();
    const pending = this.#pending;
    this.#pending = undefined;
    if (error === undefined) pending?.resolve();
    else pending?.reject(error);
    await settle();
  }
}

/** Lets everything run that waits for promises alone. */
async function settle(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
}

const batchOf = (key: string, size = 1): OperationBatch => {
  const batch = new OperationBatch();
  batch.put(Buffer.from(key), new Uint8Array(size));
  return batch;
};

const setUp = () => {
  const level = new ManualLevel();
  return { level, queue: new LevelWriteQueue(level as unknown as ByteLevel) };
};

test('has one write under way, and joins what queues up behind it in order', async () => {
  const { level, queue } = setUp();
  const done: string[] = [];
  const write = (key: string, sync: boolean) => queue.write(batchOf(key), sync).then(() => done.push(key));
  void write('a', false);
  await settle();
  void write('b', false);
  void write('c', true);
  void write('d', false);
  await settle();
  expect(level.groups).toEqual([{ operations: ['put a'], sync: false }]);
  expect(done).toEqual([]);
  await level.end();
  expect(done).toEqual(['a']);
  expect(level.groups[1]).toEqual({ operations: ['put b', 'put c', 'put d'], sync: true });
});

test('a group takes no batch more once it is large', async () => {
  const { level, queue } = setUp();
  for (const key of ['a', 'b', 'c', 'd']) void queue.write(batchOf(key, 2 * 1024 * 1024), false);
  for (let turn = 0; turn < 4; turn += 1) await level.end();
  expect(level.groups.map((group) => group.operations.length)).toEqual([1, 1, 1, 1]);
  void queue.write(batchOf('large', 20 * 1024 * 1024), false);
  await settle();
  expect(level.groups.at(-1)?.operations).toEqual(['put large']);
  await level.end();
  await queue.drained();
});

test('an empty batch that asks for a sync gets one', async () => {
  const { level, queue } = setUp();
  void queue.write(new OperationBatch(), true);
  await settle();
  expect(level.groups).toEqual([{ operations: ['delete '], sync: true }]);
});

test('after a failure nothing is written again', async () => {
  const { level, queue } = setUp();
  const outcomes: unknown[] = [];
  const write = (key: string) =>
    queue.write(batchOf(key), true).then(
      () => outcomes.push('done'),
      (error: { code: string }) => outcomes.push(error.code),
    );
  void write('a');
  void write('b');
  await settle();
  void write('c');
  await level.end(
    Object.assign(new Error('IO error: /x/000003.log: No space left on device'), { code: 'LEVEL_IO_ERROR' }),
  );
  void write('d');
  await settle();
  expect(outcomes).toEqual(['diskFull', 'diskFull', 'engineFailed', 'engineFailed']);
  expect(level.groups).toHaveLength(1);
  await queue.drained();
});
