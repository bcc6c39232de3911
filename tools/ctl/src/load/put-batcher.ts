import { BatchIncompleteError, type Pair } from '@flotilla/client';
import type { Timers } from '@flotilla/runtime';

/** How puts are gathered. */
export interface PutBatcherConfig {
  /** The most records of one batch. */
  readonly maxRecords: number;
  /** The most batches under way; what comes meanwhile is gathered. */
  readonly maxBatches: number;
}

/** The figures that `load` uses: what a store takes in one request, and enough of them to keep its disk busy. */
export const defaultPutBatcherConfig: PutBatcherConfig = { maxRecords: 1_024, maxBatches: 4 };

interface WaitingPut extends Pair {
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Gathers single puts into batches: what is put before the event loop turns goes together, and so does what is put while as
 * many batches as may be are under way. Its queue is as long as its callers have puts under way, which is theirs to bound;
 * they keep puts of one key apart as well.
 */
export class PutBatcher {
  readonly #putMany: (pairs: readonly Pair[]) => Promise<unknown>;
  readonly #timers: Timers;
  readonly #config: PutBatcherConfig;
  #waiting: WaitingPut[] = [];
  #underWay = 0;
  #isDeferred = false;

  constructor(putMany: (pairs: readonly Pair[]) => Promise<unknown>, timers: Timers, config: PutBatcherConfig) {
    this.#putMany = putMany;
    this.#timers = timers;
    this.#config = config;
  }

  /** Puts one record; resolves and rejects as if it had been put alone. */
  put(key: Uint8Array, value: Uint8Array): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ key, value, resolve, reject });
      this.#sendSoon();
    });
  }

  #sendSoon(): void {
    if (this.#isDeferred || this.#waiting.length === 0) return;
    this.#isDeferred = true;
    this.#timers.defer(() => {
      this.#isDeferred = false;
      while (this.#waiting.length > 0 && this.#underWay < this.#config.maxBatches) this.#send();
    });
  }

  #send(): void {
    const batch = this.#waiting.splice(0, this.#config.maxRecords);
    this.#underWay += 1;
    void this.#putMany(batch).then(
      () => this.#end(batch, undefined),
      (error: unknown) => this.#end(batch, error),
    );
  }

  #end(batch: readonly WaitingPut[], error: unknown): void {
    this.#underWay -= 1;
    const isIncomplete = error instanceof BatchIncompleteError;
    const failures = new Map(isIncomplete ? error.failures.map((failure) => [failure.index, failure.error]) : []);
    const begun = isIncomplete ? error.begun : error === undefined ? batch.length : 0;
    for (const [index, put] of batch.entries()) {
      const failure = failures.get(index) ?? (index < begun ? undefined : error);
      if (failure === undefined) put.resolve();
      else put.reject(failure);
    }
    this.#sendSoon();
  }
}
