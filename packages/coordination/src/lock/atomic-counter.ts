import { assert } from '@flotilla/runtime';
import type { KeyValue } from '../backend/key-value.ts';
import type { OperationResult } from '../backend/transaction.ts';
import { CallScope, type ScopeOptions } from '../call-scope.ts';
import { ConflictError, withCoordinationErrors } from '../coordination-error.ts';
import { type LineOptions, lineName } from './line-options.ts';

interface Seen {
  readonly value: bigint;
  readonly modRevision: bigint;
}

/**
 * A whole number that any number of processes count on. Stored as decimal digits; 0 when it was never set.
 *
 * A change whose answer was lost rejects with an `OutcomeUnknownError`: it is not done twice.
 */
export class AtomicCounter {
  readonly #options: LineOptions;
  readonly #key: Uint8Array;
  readonly #what: string;

  constructor(counter: string, options: LineOptions) {
    this.#options = options;
    this.#key = Buffer.from(lineName(options.keyPrefix ?? '/counters', counter));
    this.#what = `the counter ${JSON.stringify(counter)}`;
  }

  async get(options: ScopeOptions = {}): Promise<bigint> {
    return (await this.#read(options)).value;
  }

  /** Adds to it, and returns what it is then. */
  async add(by: bigint, options: ScopeOptions = {}): Promise<bigint> {
    const { runtime } = this.#options;
    using scope = new CallScope(runtime.timers, `counting on ${this.#what}`, options);
    const { signal } = scope;
    try {
      let seen = await this.#read({ signal });
      for (let waitMs = 1; ; waitMs = Math.min(100, waitMs * 2)) {
        const next = await this.#write(seen, seen.value + by, signal);
        if (next === undefined) return seen.value + by;
        seen = next;
        await runtime.timers.sleep(waitMs * runtime.random.fraction(), signal);
      }
    } catch (error) {
      // A write that was on its way stays unknown, whoever gave it up.
      throw signal.aborted && !isUnknown(error) ? signal.reason : error;
    }
  }

  /** Sets it if it is `expected`; returns whether it was. */
  async compareAndSet(expected: bigint, value: bigint, options: ScopeOptions = {}): Promise<boolean> {
    const { runtime } = this.#options;
    using scope = new CallScope(runtime.timers, `setting ${this.#what}`, options);
    const { signal } = scope;
    try {
      let seen: Seen | undefined = await this.#read({ signal });
      while (seen !== undefined && seen.value === expected) seen = await this.#write(seen, value, signal);
      return seen === undefined;
    } catch (error) {
      throw signal.aborted && !isUnknown(error) ? signal.reason : error;
    }
  }

  async #read(options: ScopeOptions): Promise<Seen> {
    const { backend } = this.#options;
    const { kvs } = await withCoordinationErrors(`reading ${this.#what}`, () =>
      backend.range({ key: this.#key }, options),
    );
    return this.#parse(kvs[0]);
  }

  /** Writes unless somebody was faster: then what they wrote, otherwise `undefined`. */
  async #write({ modRevision }: Seen, value: bigint, signal: AbortSignal): Promise<Seen | undefined> {
    const { backend } = this.#options;
    const key = this.#key;
    const request = {
      compare: [{ key, target: 'modRevision', modRevision, result: '=' }],
      success: [{ type: 'put', key, value: Buffer.from(value.toString()) }],
      failure: [{ type: 'range', key }],
    } as const;
    const { succeeded, results } = await withCoordinationErrors(`counting on ${this.#what}`, () =>
      backend.transact(request, { signal }),
    );
    return succeeded ? undefined : this.#parse(onlyKey(results[0]));
  }

  #parse(kv: KeyValue | undefined): Seen {
    if (kv === undefined) return { value: 0n, modRevision: 0n };
    const text = Buffer.from(kv.value).toString();
    if (!/^-?\d+$/.test(text)) throw new ConflictError(`${this.#what} holds something that is not a whole number`);
    return { value: BigInt(text), modRevision: kv.modRevision };
  }
}

function onlyKey(result: OperationResult | undefined): KeyValue | undefined {
  assert(result?.type === 'range', 'a range read is answered as one');
  return result.kvs[0];
}

function isUnknown(error: unknown): boolean {
  return (error as { readonly code?: unknown }).code === 'outcomeUnknown';
}
