import type { Runtime } from '@flotilla/runtime';
import { BackendError } from '../backend/backend-error.ts';
import type { CoordinationBackend } from '../backend/coordination-backend.ts';
import type { KeyValue } from '../backend/key-value.ts';
import type { Operation, RangeResult, TransactionRequest } from '../backend/transaction.ts';
import { CallScope, type ScopeOptions } from '../call-scope.ts';
import { ConflictError, coordinationErrorOf, withCoordinationErrors } from '../coordination-error.ts';

/** What the body of a software transaction reads and writes. Reads see the transaction's own writes. */
export interface TransactionBody {
  /** The value of a key; `undefined` when it is not there. All reads of one attempt are of one revision. */
  get(key: string | Uint8Array): Promise<Uint8Array | undefined>;
  put(key: string | Uint8Array, value: string | Uint8Array, options?: { readonly leaseId?: bigint }): void;
  delete(key: string | Uint8Array): void;
}

/** How a software transaction is run. */
export interface SoftwareTransactionOptions extends ScopeOptions {
  readonly runtime: Runtime;
  /** How often the body is run before it gives way to others, at least 1; without limit unless given. */
  readonly maxAttempts?: number | undefined;
}

type Write = { readonly value: Uint8Array; readonly leaseId: bigint | undefined } | 'delete';

/** Thrown inside an attempt whose snapshot is gone. */
class SnapshotLost extends Error {}

/** One run of the body. Keys are kept as strings of their bytes. */
class Attempt implements TransactionBody {
  /** What was read, with what was there. */
  readonly reads = new Map<string, KeyValue | undefined>();
  readonly writes = new Map<string, Write>();
  readonly #backend: CoordinationBackend;
  readonly #signal: AbortSignal;
  /** The revision of all reads, once the first has brought it. */
  #revision: Promise<bigint> | undefined;

  constructor(backend: CoordinationBackend, signal: AbortSignal) {
    this.#backend = backend;
    this.#signal = signal;
  }

  async get(key: string | Uint8Array): Promise<Uint8Array | undefined> {
    const bytes = Buffer.from(key as Uint8Array);
    const name = nameOf(key);
    const written = this.writes.get(name);
    if (written !== undefined) return written === 'delete' ? undefined : written.value;
    if (!this.reads.has(name)) this.reads.set(name, await this.#read(bytes));
    return this.reads.get(name)?.value;
  }

  put(key: string | Uint8Array, value: string | Uint8Array, options: { readonly leaseId?: bigint } = {}): void {
    const bytes = Buffer.from(value as Uint8Array);
    this.writes.set(nameOf(key), { value: bytes, leaseId: options.leaseId });
  }

  delete(key: string | Uint8Array): void {
    this.writes.set(nameOf(key), 'delete');
  }

  /** Holds what was read against what is there now, and writes if nothing has changed. */
  request(): TransactionRequest {
    return {
      compare: [...this.reads].map(([name, kv]) => {
        const modRevision = kv?.modRevision ?? 0n;
        return { key: bytesOf(name), target: 'modRevision', modRevision, result: '=' };
      }),
      success: [...this.writes].map(([name, write]): Operation => {
        const key = bytesOf(name);
        return write === 'delete' ? { type: 'delete', key } : { type: 'put', key, ...write };
      }),
    };
  }

  async #read(key: Uint8Array): Promise<KeyValue | undefined> {
    try {
      if (this.#revision !== undefined) return (await this.#range(key, await this.#revision)).kvs[0];
      const first = this.#range(key, undefined);
      this.#revision = first.then(({ revision }) => revision);
      // Whoever waits for the revision hears of a failure; nobody else needs to.
      this.#revision.catch(() => {});
      return (await first).kvs[0];
    } catch (error) {
      if (error instanceof BackendError && error.code === 'compacted') throw new SnapshotLost();
      throw error instanceof BackendError ? coordinationErrorOf(error, 'reading in a transaction') : error;
    }
  }

  #range(key: Uint8Array, revision: bigint | undefined): Promise<RangeResult> {
    return this.#backend.range({ key, revision }, { signal: this.#signal });
  }
}

/**
 * Runs `body`, and then does all its writes at once if nothing that it read has changed; otherwise runs it again. What it reads is
 * one moment's, so that the body never sees half of another's writes. It may run several times: it should do nothing else.
 *
 * @returns what the run came to that was carried out.
 * @throws {ConflictError} when others were faster in all attempts.
 * @throws {OutcomeUnknownError} when nobody knows whether the writes were done; they are not done twice.
 */
export async function runTransaction<T>(
  backend: CoordinationBackend,
  body: (transaction: TransactionBody) => Promise<T> | T,
  options: SoftwareTransactionOptions,
): Promise<T> {
  const { runtime, maxAttempts = Number.POSITIVE_INFINITY } = options;
  using scope = new CallScope(runtime.timers, 'running a transaction', options);
  const { signal } = scope;
  for (let attempts = 1, waitMs = 1; attempts <= maxAttempts; attempts += 1, waitMs = Math.min(100, waitMs * 2)) {
    try {
      const attempt = new Attempt(backend, signal);
      const outcome = await body(attempt);
      // Without writes there is nothing to decide: what was read is true of its revision.
      if (attempt.writes.size === 0) return outcome;
      const { succeeded } = await withCoordinationErrors('committing a transaction', () =>
        backend.transact(attempt.request(), { signal }),
      );
      if (succeeded) return outcome;
    } catch (error) {
      const isUnknown = (error as { readonly code?: unknown } | undefined)?.code === 'outcomeUnknown';
      if (signal.aborted && !isUnknown) throw signal.reason;
      if (!(error instanceof SnapshotLost)) throw error;
    }
    await runtime.timers.sleep(waitMs * runtime.random.fraction(), signal);
  }
  throw new ConflictError(`a transaction gave way to others ${maxAttempts} times`);
}

function nameOf(key: string | Uint8Array): string {
  return Buffer.from(key as Uint8Array).toString('latin1');
}

function bytesOf(name: string): Uint8Array {
  return Buffer.from(name, 'latin1');
}
