import { assert } from '@flotilla/runtime';
import { BackendError } from '../backend/backend-error.ts';
import type { KeyValue } from '../backend/key-value.ts';
import type { ScopeOptions } from '../call-scope.ts';
import { ClosedError, coordinationErrorOf } from '../coordination-error.ts';
import { callPersistently } from '../persistent-call.ts';
import { awaitChange } from './await-change.ts';
import { HoldKeeper } from './hold-keeper.ts';
import { rivalsOf } from './line-layout.ts';
import { type LineOptions, lineName } from './line-options.ts';
import type { LockCallOptions } from './lock.ts';
import { firstInLine } from './place-in-line.ts';
import { SessionHold, type SessionHoldOptions } from './session-hold.ts';

/** Who leads, as stored. */
export interface Leader {
  /** What it proclaimed last. */
  readonly value: Uint8Array;
  /** Identifies its term, and grows from leader to leader. */
  readonly fencingToken: bigint;
  /** The revision of its last proclamation. */
  readonly revision: bigint;
}

/** How somebody stands for election. */
export interface CampaignOptions extends ScopeOptions {
  /** How long the leadership outlasts its process, at least 1; the default of the election unless given. */
  readonly ttlMs?: number | undefined;
}

/** A leadership that was won; it is kept until it is resigned or lost. */
export class Leadership extends SessionHold {
  /** The name of the election. */
  readonly election: string;

  constructor(election: string, options: SessionHoldOptions) {
    super(options);
    this.election = election;
  }

  /** Whether it can be relied on now. */
  get isLeader(): boolean {
    return this.isHeld;
  }

  /** Tells those who observe something new. @throws {NotHeldError} when somebody else may lead. */
  async proclaim(value: string | Uint8Array, options: LockCallOptions = {}): Promise<void> {
    await this.replaceValue(typeof value === 'string' ? Buffer.from(value) : value, options);
  }

  /** Lets the next in line lead; idempotent. */
  resign(options?: LockCallOptions): Promise<void> {
    return this.release(options);
  }
}

/**
 * An election of one leader by name: whoever has waited longest leads next. Keys as etcd's own recipe has them, so that
 * `etcdctl elect` and this stand in one line.
 *
 * Source: etcd `client/v3/concurrency`, election.go.
 */
export class Election implements AsyncDisposable {
  /** The name of the election. */
  readonly election: string;
  readonly #options: LineOptions;
  readonly #name: string;
  readonly #keeper: HoldKeeper;

  constructor(election: string, options: LineOptions) {
    this.election = election;
    this.#options = options;
    this.#keeper = new HoldKeeper('the election was', options);
    this.#name = lineName(options.keyPrefix ?? '/elections', election);
  }

  /** Stands for election with a value for those who observe; resolves when it leads. @throws as `DistributedLock.acquire`. */
  async campaign(value: string | Uint8Array, options: CampaignOptions = {}): Promise<Leadership> {
    const what = `the leadership of ${JSON.stringify(this.election)}`;
    const place = { name: this.#name, kind: 'exclusive', value: Buffer.from(value) } as const;
    const leadership = await this.#keeper.acquire({ ...options, what, place }, (hold) => {
      return new Leadership(this.election, hold);
    });
    assert(leadership !== undefined, 'a wait ends with the leadership or with an error');
    return leadership;
  }

  /** Who leads now; `undefined` when nobody does. */
  async leader(options: ScopeOptions = {}): Promise<Leader | undefined> {
    using scope = this.#keeper.scope('reading a leader', options);
    const { first } = await this.#look(scope.signal);
    return first === undefined ? undefined : leaderOf(first);
  }

  /**
   * Who leads, now and from then on: each leader and each proclamation as it comes, `undefined` whenever nobody leads. A leader that
   * came and went between two looks may be left out; the last one never is. Ends with the signal, by a `CancelledError`.
   */
  async *observe(
    options: { readonly signal?: AbortSignal | undefined } = {},
  ): AsyncGenerator<Leader | undefined, void> {
    using scope = this.#keeper.scope('observing an election', options);
    const { signal } = scope;
    for (let isVacant = false; ; ) {
      const { first, revision } = await this.#look(signal);
      const fromRevision = revision + 1n;
      if (first !== undefined) {
        isVacant = false;
        yield leaderOf(first);
        yield* this.#follow(first, fromRevision, signal);
      } else {
        if (!isVacant) yield undefined;
        isVacant = true;
        const change = { range: rivalsOf(this.#name, 'exclusive'), type: 'put', fromRevision } as const;
        await awaitChange(this.#options.backend, change, signal, 'observing an election');
      }
    }
  }

  /** Ends campaigns and observers with a `ClosedError` and resigns what was won here; idempotent. */
  close(): Promise<void> {
    return this.#keeper.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** What a leader proclaims from a revision on, until it leads no more or that cannot be told. */
  async *#follow(leader: KeyValue, startRevision: bigint, signal: AbortSignal): AsyncGenerator<Leader, void> {
    const { backend } = this.#options;
    const watch = backend.watch({ key: leader.key, startRevision }, { signal });
    try {
      for await (const update of watch) {
        if (update.type === 'compacted') return;
        if (update.type === 'progress') continue;
        for (const { type, kv } of update.events) {
          if (type === 'delete') return;
          yield leaderOf(kv);
        }
      }
    } catch (error) {
      signal.throwIfAborted();
      throw error instanceof BackendError ? coordinationErrorOf(error, 'observing an election') : error;
    } finally {
      await watch.close();
    }
    signal.throwIfAborted();
    throw new ClosedError('observing an election: the watch was ended');
  }

  #look(signal: AbortSignal): ReturnType<typeof firstInLine> {
    const { backend, runtime } = this.#options;
    return callPersistently(runtime, signal, 'reading a leader', (call) => firstInLine(backend, this.#name, call));
  }
}

function leaderOf(kv: KeyValue): Leader {
  return { value: kv.value, fencingToken: kv.createRevision, revision: kv.modRevision };
}
