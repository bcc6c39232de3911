import type { Timers } from '@flotilla/runtime';
import { type CutBatch, cutBatches, type Items } from './batch-cutter.ts';
import { runBounded } from './bounded-batch.ts';
import { type BatchFailure, BatchIncompleteError } from './client-error.ts';
import type { RawClientConfig } from './config.ts';
import type { BatchWriteOptions, RegionBatcher, Write } from './region-batch.ts';

/** What writing many needs. */
export interface WriteManyParts {
  readonly batcher: RegionBatcher;
  readonly config: RawClientConfig;
  readonly timers: Timers;
}

/** What writing many takes. */
export interface WriteManyOptions extends BatchWriteOptions {
  /** Batches under way at once. */
  readonly concurrency: number;
  readonly onProgress?: ((succeeded: number) => void) | undefined;
}

/** A batch that may be sent; `end` must be called when it has ended. */
interface ReadyBatch extends CutBatch {
  end(): void;
}

/**
 * Writes items in batches, many at once; writes of one key in their order. Begins no more after a failure. Resolves with how
 * many there were.
 *
 * @throws {BatchIncompleteError} that tells which failed; by then nothing is under way. `toWrite` throws an
 *   `InvalidArgumentError` for an item that is no write, which counts as such a failure.
 */
export async function writeMany<Item>(
  items: Items<Item>,
  toWrite: (item: Item) => Write,
  options: WriteManyOptions,
  { batcher, config, timers }: WriteManyParts,
): Promise<number> {
  const failures: BatchFailure[] = [];
  let succeeded = 0;
  let begun = 0;
  const batches = keepKeyOrder(cutBatches(items, toWrite, config, timers), () => failures.length > 0);
  await runBounded(batches, options.concurrency, async ({ first, writes, invalid, end }) => {
    begun = first + (invalid === undefined ? writes.length : 1);
    if (invalid !== undefined) failures.push({ index: first, error: invalid });
    const outcomes = writes.length === 0 ? [] : await batcher.write(writes, options);
    for (const [position, error] of outcomes.entries()) {
      if (error !== undefined) {
        failures.push({ index: first + position, error });
        continue;
      }
      succeeded += 1;
      options.onProgress?.(succeeded);
    }
    end();
    return failures.length === 0;
  });
  if (failures.length === 0) return succeeded;
  failures.sort((one, other) => one.index - other.index);
  throw new BatchIncompleteError(succeeded, failures, begun);
}

/** Holds each batch back until all earlier ones with a key of it have ended; ends early once `isStopped`. */
async function* keepKeyOrder(batches: AsyncIterable<CutBatch>, isStopped: () => boolean): AsyncGenerator<ReadyBatch> {
  const underWay = new Map<string, Promise<void>>();
  for await (const batch of batches) {
    const names = batch.writes.map(({ key }) => Buffer.from(key.buffer, key.byteOffset, key.length).toString('latin1'));
    // An await for every key would cost more than the write; few have to wait.
    for (const name of names) if (underWay.has(name)) await underWay.get(name);
    if (isStopped()) return;
    let end: () => void = () => {};
    const ended = new Promise<void>((resolve) => {
      end = () => {
        for (const name of names) underWay.delete(name);
        resolve();
      };
    });
    for (const name of names) underWay.set(name, ended);
    yield { ...batch, end };
  }
}
