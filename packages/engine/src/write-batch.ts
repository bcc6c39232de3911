import { assert } from '@flotilla/runtime';
import type { WriteBatch } from './engine.ts';
import { checkKey } from './engine-error.ts';

/**
 * The batch of every engine here: operations as they were added. Keys and values are kept, not copied.
 *
 * Rejected: filling LevelDB's native batch while the caller adds, since a batch that is dropped would hold native
 * memory until it is collected, and no other engine could take it.
 */
export class OperationBatch implements WriteBatch {
  /** Key and value by turns; a value of `undefined` deletes. */
  readonly operations: (Uint8Array | undefined)[] = [];
  #byteLength = 0;
  #isUsed = false;

  put(key: Uint8Array, value: Uint8Array): void {
    checkKey(key);
    this.operations.push(key, value);
    this.#byteLength += key.length + value.length;
  }

  delete(key: Uint8Array): void {
    checkKey(key);
    this.operations.push(key, undefined);
    this.#byteLength += key.length;
  }

  get count(): number {
    return this.operations.length / 2;
  }

  get byteLength(): number {
    return this.#byteLength;
  }

  /** Repeats the operations on `target`, in order. */
  replay(target: { put(key: Uint8Array, value: Uint8Array): unknown; delete(key: Uint8Array): unknown }): void {
    for (let position = 0; position < this.operations.length; position += 2) {
      const key = this.operations[position] as Uint8Array;
      const value = this.operations[position + 1];
      if (value === undefined) target.delete(key);
      else target.put(key, value);
    }
  }

  /** Marks the batch as used; a second time is a bug of the caller. */
  static claim(batch: WriteBatch): OperationBatch {
    assert(batch instanceof OperationBatch, 'a batch made by another engine');
    assert(!batch.#isUsed, 'a write batch is used once');
    batch.#isUsed = true;
    return batch;
  }
}
