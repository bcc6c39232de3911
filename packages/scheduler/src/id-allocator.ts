import type { EngineReader } from '@flotilla/engine';
import { assert } from '@flotilla/runtime';
import { decodeNumber, encodeNumber, layoutKeys } from './data-layout.ts';
import type { DurableWriter } from './durable-writer.ts';

/**
 * Gives out ids from 1 upwards, each once in the cluster's life.
 *
 * Invariant: every id given out is below the durable mark, from which the next start goes on.
 */
export class IdAllocator {
  readonly #writer: DurableWriter;
  readonly #batchSize: number;
  #next: number;
  #mark: number;
  #reservation: Promise<void> | undefined;

  private constructor(writer: DurableWriter, batchSize: number, mark: number) {
    this.#writer = writer;
    this.#batchSize = batchSize;
    this.#next = mark;
    this.#mark = mark;
  }

  /** @throws {SchedulerDataError} with code `schedulerDataCorrupted`. */
  static async open(reader: EngineReader, writer: DurableWriter, batchSize: number): Promise<IdAllocator> {
    const stored = await reader.get(layoutKeys.nextId);
    return new IdAllocator(writer, batchSize, stored === undefined ? 1 : decodeNumber(stored, 'the id mark'));
  }

  /**
   * `count` consecutive ids; the first is returned.
   *
   * @throws {SchedulerError} with code `unknown` when they could not be made durable.
   */
  async allocate(count = 1): Promise<number> {
    assert(Number.isSafeInteger(count) && count >= 1, 'a count of ids must be at least 1', { count });
    while (this.#next + count > this.#mark) await this.#reserveOnce(count);
    const first = this.#next;
    this.#next += count;
    return first;
  }

  /** One id from those reserved already; `undefined` when they are used up, and then more are reserved meanwhile. */
  tryAllocate(): number | undefined {
    if (this.#next >= this.#mark) {
      // The writer has told of a failure, and refuses everything from then on.
      this.#reserveOnce(1).catch(() => {});
      return undefined;
    }
    this.#next += 1;
    return this.#next - 1;
  }

  #reserveOnce(count: number): Promise<void> {
    this.#reservation ??= this.#reserve(count).finally(() => {
      this.#reservation = undefined;
    });
    return this.#reservation;
  }

  async #reserve(count: number): Promise<void> {
    const mark = this.#mark + Math.max(count, this.#batchSize);
    assert(Number.isSafeInteger(mark), 'the ids are used up');
    await this.#writer.write((batch) => batch.put(layoutKeys.nextId, encodeNumber(mark)));
    this.#mark = mark;
  }
}
