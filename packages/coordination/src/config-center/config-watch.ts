import type { CoordinationBackend } from '../backend/coordination-backend.ts';
import type { KeyRange, KeyValue } from '../backend/key-value.ts';
import type { Watch, WatchEvent, WatchUpdate } from '../backend/watch.ts';
import { withCoordinationErrors } from '../coordination-error.ts';
import type { ConfigChange, ConfigValue } from './config-value.ts';

/**
 * A stream of changes, in the order of their revisions, without gap and none twice. Read by one reader; other watches of the
 * same keys are independent of it. Ends with `return`, `close` or the caller's signal; rejects with a `CoordinationError` that
 * time cannot heal, such as a refused password.
 */
export interface ConfigWatch extends AsyncIterableIterator<ConfigChange>, AsyncDisposable {
  /** Resolves with a revision once the watch stands: every later change comes. */
  ready(): Promise<bigint>;
  close(): Promise<void>;
}

/** What a watch of configuration begins with. */
export interface ConfigWatchOptions {
  /** Changes of this version and later ones, of the past too; what follows the call unless given. */
  readonly fromVersion?: bigint | undefined;
  /** Begins with a `reset` that holds what there is, and goes on behind it; `fromVersion` is then of no account. */
  readonly initial?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** What a watch is made with. */
export interface ConfigWatchContext {
  readonly backend: CoordinationBackend;
  readonly now: () => Date;
  /** A stored value, its key as the watch's reader names it. */
  readonly decode: (kv: KeyValue) => ConfigValue;
  readonly keyOf: (kv: KeyValue) => string;
}

/** A watch of the values in `range`. */
export class BackendConfigWatch implements ConfigWatch {
  readonly #context: ConfigWatchContext;
  readonly #range: KeyRange;
  /** Ends reads and the watch beneath. */
  readonly #end = new AbortController();
  readonly #unlink: () => void;
  readonly #changes: AsyncGenerator<ConfigChange, void>;
  readonly #standing: Promise<Beginning>;

  constructor(context: ConfigWatchContext, range: KeyRange, { signal, initial, fromVersion }: ConfigWatchOptions) {
    this.#context = context;
    this.#range = range;
    const onAbort = (): void => this.#end.abort(signal?.reason);
    signal?.addEventListener('abort', onAbort, { once: true });
    this.#unlink = () => signal?.removeEventListener('abort', onAbort);
    if (signal?.aborted === true) onAbort();
    this.#standing = initial === true ? this.#readAll() : this.#stand(this.#open(fromVersion));
    // Whoever reads hears of it.
    this.#standing.catch(() => {});
    this.#changes = this.#follow();
  }

  async ready(): Promise<bigint> {
    return (await this.#standing).revision;
  }

  next(): Promise<IteratorResult<ConfigChange, void>> {
    return this.#changes.next();
  }

  async return(): Promise<IteratorResult<ConfigChange, void>> {
    this.#end.abort();
    return this.#changes.return();
  }

  async close(): Promise<void> {
    await this.return();
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return();
  }

  #open(startRevision: bigint | undefined): Watch {
    return this.#context.backend.watch({ ...this.#range, startRevision, previous: true }, { signal: this.#end.signal });
  }

  /** Waits until the server has the watch. */
  async #stand(watch: Watch): Promise<Beginning> {
    const first = await withCoordinationErrors('watching configuration', () => watch.next());
    if (first.done === true) return { revision: 0n, watch, changes: [] };
    if (first.value.type === 'compacted') return this.#readAll();
    return { revision: first.value.revision, watch, changes: this.#changesOf(first.value) };
  }

  /** What there is, and a watch of what comes behind it. */
  async #readAll(): Promise<Beginning> {
    const { backend, decode, now } = this.#context;
    const { kvs, revision } = await withCoordinationErrors('reading configuration', () =>
      backend.range(this.#range, { signal: this.#end.signal }),
    );
    const reset: ConfigChange = { type: 'reset', values: kvs.map(decode), version: revision, timestamp: now() };
    return { revision, watch: this.#open(revision + 1n), changes: [reset] };
  }

  async *#follow(): AsyncGenerator<ConfigChange, void> {
    let watch: Watch | undefined;
    try {
      let beginning = await this.#standing;
      for (;;) {
        ({ watch } = beginning);
        yield* beginning.changes;
        const compacted = yield* this.#read(watch);
        if (!compacted) return;
        beginning = await this.#readAll();
      }
    } catch (error) {
      // The end that was asked for is silent, wherever it came.
      if (!this.#end.signal.aborted) throw error;
    } finally {
      this.#unlink();
      await watch?.close();
    }
  }

  /** Yields what a watch brings until it ends; returns whether it lost changes to compaction. */
  async *#read(watch: Watch): AsyncGenerator<ConfigChange, boolean> {
    for (;;) {
      const { done, value } = await withCoordinationErrors('watching configuration', () => watch.next());
      if (done === true) return false;
      if (value.type === 'compacted') return true;
      yield* this.#changesOf(value);
    }
  }

  #changesOf(update: WatchUpdate): readonly ConfigChange[] {
    return update.type === 'events' ? update.events.map((event) => this.#changeOf(event)) : [];
  }

  #changeOf({ type, kv, previous }: WatchEvent): ConfigChange {
    const { decode, keyOf, now } = this.#context;
    const version = kv.modRevision;
    const oldValue = previous === undefined ? undefined : decode(previous).value;
    // A deletion brings the key alone.
    if (type === 'delete') {
      return { type, key: keyOf(kv), oldValue, newValue: undefined, version, timestamp: now() };
    }
    const { key, value, updateTime } = decode(kv);
    const timestamp = updateTime.getTime() === 0 ? now() : updateTime;
    return { type: kv.version === 1n ? 'create' : 'update', key, oldValue, newValue: value, version, timestamp };
  }
}

/** A watch that stands, and what comes before its first update. */
interface Beginning {
  readonly revision: bigint;
  readonly watch: Watch;
  readonly changes: readonly ConfigChange[];
}
