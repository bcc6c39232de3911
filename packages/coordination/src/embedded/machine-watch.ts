import { etcdserverpb, mvccpb } from '@flotilla/protocol';
import type { Runtime, TimerHandle } from '@flotilla/runtime';
import { BackendError } from '../backend/backend-error.ts';
import type { Watch, WatchEvent, WatchRequest, WatchUpdate } from '../backend/watch.ts';
import type { MachineCaller } from './machine-caller.ts';
import type { MachineChannel } from './machine-channel.ts';
import { fromWireKeyValue, toWireRange } from './machine-message.ts';

/** What a watch needs of its backend. */
export interface MachineWatchOptions {
  readonly channel: MachineChannel;
  readonly caller: MachineCaller;
  readonly runtime: Runtime;
  /** Tells the machine which subscription is asked for progress; no other open watch has it. */
  readonly watchId: bigint;
  /** A connection that is silent for this long is taken for dead. */
  readonly silenceMs: number;
  readonly signal?: AbortSignal | undefined;
  readonly ended: () => void;
}

/** The first pause before a lost connection is made anew; each doubles the one before. */
const firstPauseMs = 50;
const longestPauseMs = 2_000;

const { WatchCreateRequestFilterType: FilterType } = etcdserverpb;
const done = { done: true, value: undefined } as const;

/** What a wait for the next piece came to. */
type Step =
  | { readonly type: 'piece'; readonly bytes: Uint8Array }
  /** The machine ended the subscription, or it was silent for too long; an `error` is for the reader. */
  | { readonly type: 'lost'; readonly error?: unknown };

/** A watch over a machine's subscriptions, one after another: each begins after the last revision that was taken in. */
export class MachineWatch implements Watch {
  readonly #request: WatchRequest;
  readonly #options: MachineWatchOptions;
  /** The next revision of interest, once known. */
  #position: bigint | undefined;
  readonly #start: Promise<bigint>;
  #subscription: { readonly pieces: AsyncIterator<Uint8Array>; readonly abort: AbortController } | undefined;
  /** A piece is being waited for. */
  #isReading = false;
  /** What came of it, until it is taken. */
  #step: Step | undefined;
  /** Ends the wait for a step, or for whatever else may have come up. */
  #wake: () => void = () => {};
  #silence: { readonly timer: TimerHandle; since: number } | undefined;
  /** Events of a revision that comes in several pieces. */
  #partial: WatchEvent[] = [];
  readonly #updates: WatchUpdate[] = [];
  #isFirst = true;
  /** Progress is asked for, up to this revision once it is known. */
  #wanted: { readonly revision: bigint | undefined } | undefined;
  #toldRevision = 0n;
  #pauseMs = firstPauseMs;
  readonly #end = new AbortController();
  #isEnded = false;

  constructor(request: WatchRequest, options: MachineWatchOptions) {
    this.#request = request;
    this.#options = options;
    const { signal } = options;
    if (signal?.aborted === true) this.#finish();
    else signal?.addEventListener('abort', this.#onAbort, { once: true });
    this.#start = this.#findStart();
    // Whoever reads hears of it.
    this.#start.catch(() => {});
  }

  async next(): Promise<IteratorResult<WatchUpdate, undefined>> {
    try {
      return await this.#next();
    } catch (error) {
      if (this.#isEnded) return done;
      this.#finish();
      throw error;
    }
  }

  async return(): Promise<IteratorResult<WatchUpdate, undefined>> {
    this.#finish();
    return done;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  requestProgress(): void {
    if (this.#isEnded) return;
    this.#wanted = { revision: undefined };
    void this.#askProgress();
  }

  async close(): Promise<void> {
    this.#finish();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#finish();
  }

  async #next(): Promise<IteratorResult<WatchUpdate, undefined>> {
    while (!this.#isEnded) {
      const update = this.#updates.shift();
      if (update !== undefined) {
        if (update.type === 'compacted') this.#finish();
        return { done: false, value: update };
      }
      this.#position ??= await this.#start;
      if (this.#isEnded) break;
      const step = await this.#nextStep();
      if (step?.type === 'piece') this.#takeIn(etcdserverpb.WatchResponse.decode(step.bytes));
      if (step?.type !== 'lost') continue;
      this.#unsubscribe();
      if (step.error !== undefined) throw step.error;
      await this.#pause();
    }
    return done;
  }

  /** The revision to begin with: asked for when the watch is made, so that what is written after its first update is in it. */
  async #findStart(): Promise<bigint> {
    const { key, startRevision } = this.#request;
    if (key.length === 0) throw new BackendError('invalidArgument', 'a key is empty');
    if (startRevision !== undefined && startRevision > 0n) return startRevision;
    for (;;) {
      try {
        return (await this.#options.caller.revision({ signal: this.#end.signal })) + 1n;
      } catch (error) {
        if (!canPass(error)) throw error;
        await this.#pause();
      }
    }
  }

  /** Waits for a piece of the subscription, which is opened when there is none; `undefined` when something else came up. */
  async #nextStep(): Promise<Step | undefined> {
    this.#subscription ??= this.#subscribe();
    if (!this.#isReading) this.#read(this.#subscription.pieces);
    if (this.#step === undefined) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    const step = this.#step;
    this.#step = undefined;
    return step;
  }

  /** Asks the subscription for a piece, once at a time. */
  #read(pieces: AsyncIterator<Uint8Array>): void {
    const taken = (step: Step): void => {
      // Of a subscription that was given up nothing is wanted.
      if (this.#subscription?.pieces !== pieces) return;
      this.#isReading = false;
      this.#step = step;
      this.#wake();
    };
    this.#isReading = true;
    this.#listen();
    pieces.next().then(
      ({ done: isOver, value }) => taken(isOver === true ? { type: 'lost' } : { type: 'piece', bytes: value }),
      (error: unknown) => taken(canPass(error) ? { type: 'lost' } : { type: 'lost', error }),
    );
  }

  /** Has a subscription that is silent for too long while it is read taken for lost; one timer serves many pieces. */
  #listen(): void {
    const { silenceMs, runtime } = this.#options;
    const now = runtime.clock.monotonicMs();
    if (this.#silence !== undefined) {
      this.#silence.since = now;
      return;
    }
    const look = (): void => {
      const silence = this.#silence;
      if (silence === undefined) return;
      if (!this.#isReading || runtime.clock.monotonicMs() - silence.since < silenceMs) return;
      this.#unsubscribe();
      this.#step = { type: 'lost' };
      this.#wake();
    };
    this.#silence = { timer: runtime.timers.every(Math.max(1, Math.ceil(silenceMs / 4)), look), since: now };
  }

  #subscribe(): { readonly pieces: AsyncIterator<Uint8Array>; readonly abort: AbortController } {
    const { ignore, previous } = this.#request;
    const payload = etcdserverpb.WatchCreateRequest.encode({
      ...toWireRange(this.#request),
      startRevision: this.#position ?? 0n,
      progressNotify: true,
      filters: ignore === undefined ? [] : [ignore === 'put' ? FilterType.NOPUT : FilterType.NODELETE],
      prevKv: previous ?? false,
      watchId: this.#options.watchId,
      fragment: true,
    });
    const abort = new AbortController();
    const pieces = this.#options.channel.subscribe(payload, abort.signal)[Symbol.asyncIterator]();
    return { pieces, abort };
  }

  #unsubscribe(): void {
    const subscription = this.#subscription;
    this.#subscription = undefined;
    this.#isReading = false;
    this.#step = undefined;
    this.#partial = [];
    this.#silence?.timer.cancel();
    this.#silence = undefined;
    if (subscription === undefined) return;
    subscription.abort.abort();
    void subscription.pieces.return?.().catch(() => {});
  }

  #takeIn(response: etcdserverpb.WatchResponse): void {
    this.#pauseMs = firstPauseMs;
    if (response.canceled) {
      this.#unsubscribe();
      if (response.compactRevision === 0n) throw new BackendError('invalidArgument', response.cancelReason);
      this.#updates.push({ type: 'compacted', compactRevision: response.compactRevision });
      return;
    }
    for (const event of response.events) {
      // What a replica sends twice is not yielded twice.
      if ((event.kv?.modRevision ?? 0n) >= (this.#position ?? 0n)) this.#partial.push(fromWireEvent(event));
    }
    if (response.fragment) return;
    const events = this.#partial;
    this.#partial = [];
    const revision = response.header?.revision ?? 0n;
    if (revision >= (this.#position ?? 0n)) this.#position = revision + 1n;
    if (events.length > 0) this.#updates.push({ type: 'events', revision, events });
    this.#tellProgress(revision, events.length > 0);
  }

  /** Yields progress when the watch has begun, when it was asked for, and when a piece without events brings the watch on. */
  #tellProgress(revision: bigint, hadEvents: boolean): void {
    const wanted = this.#wanted?.revision;
    const isWanted = wanted !== undefined && revision >= wanted;
    const isNews = !hadEvents && revision > this.#toldRevision;
    this.#toldRevision = revision > this.#toldRevision ? revision : this.#toldRevision;
    if (!this.#isFirst && !isWanted && !isNews) return;
    const progress = { type: 'progress', revision } as const;
    if (this.#isFirst && !isWanted) this.#updates.unshift(progress);
    else this.#updates.push(progress);
    this.#isFirst = false;
    if (isWanted) this.#wanted = undefined;
  }

  /** Finds out the revision to reach, and has the machine send a piece if the subscription is where the leader is. */
  async #askProgress(): Promise<void> {
    try {
      const request = { watchId: this.#options.watchId };
      const { header } = await this.#options.caller.query('watchProgress', request, { signal: this.#end.signal });
      const revision = header?.revision ?? 0n;
      if (this.#wanted === undefined) return;
      this.#wanted = { revision };
      if (this.#isFirst || this.#position === undefined || this.#position <= revision) return;
      this.#wanted = undefined;
      this.#updates.push({ type: 'progress', revision: this.#position - 1n });
      this.#wake();
    } catch {
      // Whatever keeps the query from the leader keeps the watch from it too, and is dealt with there.
    }
  }

  async #pause(): Promise<void> {
    const { timers, random } = this.#options.runtime;
    const pauseMs = this.#pauseMs * (0.5 + random.fraction() / 2);
    this.#pauseMs = Math.min(longestPauseMs, this.#pauseMs * 2);
    await timers.sleep(pauseMs, this.#end.signal);
  }

  readonly #onAbort = (): void => this.#finish();

  #finish(): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.#options.signal?.removeEventListener('abort', this.#onAbort);
    this.#end.abort();
    this.#unsubscribe();
    this.#updates.length = 0;
    this.#wake();
    this.#options.ended();
  }
}

/** Whether a failure may be gone when it is tried again. */
function canPass(error: unknown): boolean {
  return error instanceof BackendError && ['unavailable', 'timeout', 'outcomeUnknown'].includes(error.code);
}

function fromWireEvent({ type, kv, prevKv }: mvccpb.Event): WatchEvent {
  return {
    type: type === mvccpb.EventEventType.DELETE ? 'delete' : 'put',
    kv: fromWireKeyValue(kv ?? mvccpb.KeyValue.create()),
    ...(prevKv === undefined ? {} : { previous: fromWireKeyValue(prevKv) }),
  };
}
