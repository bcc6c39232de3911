import type { Timers } from '@flotilla/runtime';
import { InvalidArgumentError } from './client-error.ts';
import type { RawClientConfig } from './config.ts';
import type { Write } from './region-batch.ts';

/** Many items, already there or read on demand. */
export type Items<Item> = Iterable<Item> | AsyncIterable<Item>;

/** Writes that follow each other in the input, or an item that is none. */
export interface CutBatch {
  /** The first one's place in the input, from 0. */
  readonly first: number;
  readonly writes: readonly Write[];
  /** Why the item at `first` is no write; then there are no writes, and this is the last batch. */
  readonly invalid?: InvalidArgumentError;
}

/** What reading an input brings; all but `write` and `pause` come last. */
type InputEvent =
  | { readonly type: 'write'; readonly write: Write }
  | { readonly type: 'pause' }
  | { readonly type: 'end' }
  | { readonly type: 'invalid'; readonly error: InvalidArgumentError }
  | { readonly type: 'failed'; readonly error: unknown };

/** Roughly what a write takes beside its key and value: tags and lengths. */
const overheadBytes = 16;

/**
 * Cuts an input into batches of up to `maxBatchWrites` writes and `maxBatchBytes`; a larger write is a batch of its own. A
 * batch that is not full ends where the input does, or pauses for `batchLingerMs`, or fails: its error is thrown after that.
 */
export async function* cutBatches<Item>(
  items: Items<Item>,
  toWrite: (item: Item) => Write,
  config: RawClientConfig,
  timers: Timers,
): AsyncGenerator<CutBatch> {
  let first = 0;
  let writes: Write[] = [];
  let bytes = 0;
  const cut = (): CutBatch => {
    const batch = { first, writes };
    first += writes.length;
    writes = [];
    bytes = 0;
    return batch;
  };
  for await (const event of readInput(items, toWrite, config.batchLingerMs, timers)) {
    if (event.type !== 'write') {
      if (writes.length > 0) yield cut();
      if (event.type === 'invalid') yield { first, writes: [], invalid: event.error };
      if (event.type === 'failed') throw event.error;
      continue;
    }
    const { write } = event;
    const size = write.key.length + (write.value?.length ?? 0) + overheadBytes;
    const isFull = writes.length >= config.maxBatchWrites || bytes + size > config.maxBatchBytes;
    if (isFull && writes.length > 0) yield cut();
    writes.push(write);
    bytes += size;
  }
}

async function* readInput<Item>(
  items: Items<Item>,
  toWrite: (item: Item) => Write,
  lingerMs: number,
  timers: Timers,
): AsyncGenerator<InputEvent> {
  const iterator = Symbol.asyncIterator in items ? items[Symbol.asyncIterator]() : items[Symbol.iterator]();
  let isOver = false;
  try {
    while (!isOver) {
      try {
        const next = iterator.next();
        if (next instanceof Promise && (await isSlow(next, lingerMs, timers))) yield { type: 'pause' };
        const result = await next;
        isOver = result.done === true;
        yield result.done === true ? { type: 'end' } : { type: 'write', write: toWrite(result.value) };
      } catch (error) {
        if (error instanceof InvalidArgumentError) {
          yield { type: 'invalid', error };
          return;
        }
        isOver = true;
        yield { type: 'failed', error };
      }
    }
  } finally {
    if (!isOver) await iterator.return?.();
  }
}

function isSlow(next: Promise<unknown>, lingerMs: number, timers: Timers): Promise<boolean> {
  return new Promise((resolve) => {
    const timer = timers.after(lingerMs, () => resolve(true));
    const end = (): void => {
      timer.cancel();
      resolve(false);
    };
    next.then(end, end);
  });
}
