import { assert, type Runtime } from '@flotilla/runtime';
import { BackendError } from '../backend/backend-error.ts';
import type { CallOptions, CoordinationBackend } from '../backend/coordination-backend.ts';
import type { KeyValue } from '../backend/key-value.ts';
import type { Operation, OperationResult, RangeRequest, TransactionResult } from '../backend/transaction.ts';
import { callPersistently } from '../persistent-call.ts';
import { type Session, SessionLostError } from '../session/session.ts';
import { awaitChange } from './await-change.ts';
import { isPlace, type PlaceKind, placeKey, rivalsOf } from './line-layout.ts';

/** A place to take. */
export interface PlaceRequest {
  readonly name: string;
  readonly kind: PlaceKind;
  readonly value: Uint8Array;
}

/** Who is ahead of a place, as of a revision. */
interface View {
  readonly revision: bigint;
  readonly ahead: KeyValue | undefined;
}

/**
 * A place in the line for a name: first come, first served, in the order of create revisions. Each place waits for one key only,
 * the youngest of those that are older and that it cannot share with, and looks again when that key is gone.
 *
 * Source: etcd `client/v3/concurrency`, mutex.go and key.go.
 */
export class PlaceInLine {
  readonly key: Uint8Array;
  /** The place's number in line: the revision at which its key was made. */
  readonly createRevision: bigint;
  readonly #backend: CoordinationBackend;
  readonly #runtime: Runtime;
  readonly #session: Session;
  readonly #request: PlaceRequest;
  #view: View;

  private constructor(
    backend: CoordinationBackend,
    runtime: Runtime,
    session: Session,
    request: PlaceRequest,
    taken: View & { readonly createRevision: bigint },
  ) {
    this.#backend = backend;
    this.#runtime = runtime;
    this.#session = session;
    this.#request = request;
    this.#view = taken;
    this.key = placeKey(request.name, session.leaseId, request.kind);
    this.createRevision = taken.createRevision;
  }

  /**
   * Takes the last place. Asked again while the outcome is unknown: the key is the session's own, so that it is taken once.
   * Whoever gives up closes the session, which takes the place away, also when its taking is still on its way.
   */
  static async take(
    backend: CoordinationBackend,
    runtime: Runtime,
    session: Session,
    request: PlaceRequest,
    signal: AbortSignal,
  ): Promise<PlaceInLine> {
    const { name, kind, value } = request;
    const key = placeKey(name, session.leaseId, kind);
    // Read before the put: whoever is there then is older.
    const rivals: Operation = { type: 'range', ...youngest(name, kind) };
    const result = await standInLine(runtime, signal, (options) =>
      backend.transact(
        {
          compare: [{ key, target: 'createRevision', createRevision: 0n, result: '=' }],
          success: [rivals, { type: 'put', key, value, leaseId: session.leaseId }],
          failure: [{ type: 'range', key, keysOnly: true }],
        },
        options,
      ),
    );
    const make = (taken: View & { readonly createRevision: bigint }): PlaceInLine =>
      new PlaceInLine(backend, runtime, session, request, taken);
    if (!result.succeeded) {
      const [own] = kvsOf(result.results[0]);
      if (own === undefined) throw new SessionLostError('the place in line is gone');
      const place = make({ createRevision: own.createRevision, revision: result.revision, ahead: undefined });
      await place.#look(signal);
      return place;
    }
    const [ahead] = kvsOf(result.results[0]);
    const place = make({ createRevision: result.revision, revision: result.revision, ahead });
    if (ahead !== undefined && !isPlace(name, ahead.key)) await place.#look(signal);
    return place;
  }

  /**
   * Takes a place only if nobody is ahead; leaves no key otherwise, unless locks with longer names made it look again: whoever
   * gets no first place closes the session.
   */
  static async takeIfFirst(
    backend: CoordinationBackend,
    runtime: Runtime,
    session: Session,
    request: PlaceRequest,
    signal: AbortSignal,
  ): Promise<PlaceInLine | undefined> {
    const { name, kind, value } = request;
    const key = placeKey(name, session.leaseId, kind);
    const absent = { target: 'createRevision', createRevision: 0n, result: '=' } as const;
    const result = await standInLine(runtime, signal, (options) =>
      backend.transact(
        {
          compare: [
            { key, ...absent },
            { ...rivalsOf(name, kind), ...absent },
          ],
          success: [{ type: 'put', key, value, leaseId: session.leaseId }],
          failure: [
            { type: 'range', key, keysOnly: true },
            { type: 'range', ...youngest(name, kind) },
          ],
        },
        options,
      ),
    );
    const own = result.succeeded ? undefined : kvsOf(result.results[0])[0];
    const createRevision = result.succeeded ? result.revision : own?.createRevision;
    if (createRevision !== undefined) {
      const taken = { createRevision, revision: result.revision, ahead: undefined };
      return new PlaceInLine(backend, runtime, session, request, taken);
    }
    const [rival] = kvsOf(result.results[1]);
    if (rival === undefined || isPlace(name, rival.key)) return undefined;
    const place = await PlaceInLine.take(backend, runtime, session, request, signal);
    return place.isFirst ? place : undefined;
  }

  /** Whether nobody was ahead when it was last looked. */
  get isFirst(): boolean {
    return this.#view.ahead === undefined;
  }

  /**
   * Waits until it is this place's turn. The place itself is looked for with each look at the line, so that a place whose lease
   * ended meanwhile never has its turn.
   *
   * @throws {SessionLostError} when the place is gone.
   * @throws the signal's reason once it has aborted.
   */
  async waitForTurn(signal: AbortSignal): Promise<void> {
    while (this.#view.ahead !== undefined) {
      const change = {
        range: { key: this.#view.ahead.key },
        type: 'delete',
        fromRevision: this.#view.revision + 1n,
      } as const;
      await awaitChange(this.#backend, change, signal, 'standing in line');
      await this.#look(signal);
    }
    if (!this.#session.isAlive) throw new SessionLostError('the lease ended while it stood in line');
  }

  async #look(signal: AbortSignal): Promise<void> {
    const { name, kind } = this.#request;
    const older = { maxCreateRevision: this.createRevision - 1n };
    const first = await this.#read({ ...youngest(name, kind), ...older }, signal);
    const [ahead] = kvsOf(first.results[0]);
    if (ahead === undefined || isPlace(name, ahead.key)) {
      this.#view = { revision: first.revision, ahead };
      return;
    }
    // Locks whose names begin with this one's have keys in the same range. Their number is small, or the names are badly chosen.
    const all = await this.#read({ ...youngest(name, kind), ...older, limit: undefined }, signal);
    this.#view = { revision: all.revision, ahead: kvsOf(all.results[0]).find((kv) => isPlace(name, kv.key)) };
  }

  /** Reads the line, provided that this place is still in it. */
  async #read(range: RangeRequest, signal: AbortSignal): Promise<TransactionResult> {
    const { createRevision, key } = this;
    const request = {
      compare: [{ key, target: 'createRevision', createRevision, result: '=' }],
      success: [{ type: 'range', ...range }],
    } as const;
    const call = (options: CallOptions): Promise<TransactionResult> => this.#backend.transact(request, options);
    const result = await standInLine(this.#runtime, signal, call);
    if (!result.succeeded) throw new SessionLostError('the place in line is gone');
    return result;
  }
}

/** The first in a line, which has what the line is for: an election's leader. */
export async function firstInLine(
  backend: CoordinationBackend,
  name: string,
  options: CallOptions,
): Promise<{ readonly revision: bigint; readonly first: KeyValue | undefined }> {
  const sort = { by: 'createRevision', order: 'ascending' } as const;
  const range = { ...rivalsOf(name, 'exclusive'), sort };
  const one = await backend.range({ ...range, limit: 1 }, options);
  const [kv] = one.kvs;
  if (kv === undefined || isPlace(name, kv.key)) return { revision: one.revision, first: kv };
  const all = await backend.range(range, options);
  return { revision: all.revision, first: all.kvs.find(({ key }) => isPlace(name, key)) };
}

/** The last of those whom a place of `kind` waits for. */
function youngest(name: string, kind: PlaceKind): RangeRequest {
  const sort = { by: 'createRevision', order: 'descending' } as const;
  return { ...rivalsOf(name, kind), sort, limit: 1, keysOnly: true };
}

/** Asks until a server answers; a lease that has ended is a lost session. */
async function standInLine<T>(
  runtime: Runtime,
  signal: AbortSignal,
  call: (options: CallOptions) => Promise<T>,
): Promise<T> {
  try {
    return await callPersistently(runtime, signal, 'standing in line', call);
  } catch (error) {
    const { cause } = error as { readonly cause?: unknown };
    if (!(cause instanceof BackendError && cause.code === 'leaseNotFound')) throw error;
    throw new SessionLostError('the lease ended before it stood in line', { cause });
  }
}

function kvsOf(result: OperationResult | undefined): readonly KeyValue[] {
  assert(result?.type === 'range', 'a range read is answered as one');
  return result.kvs;
}
