import type { IWatchRequest, IWatchResponse } from 'etcd3';
import { BackendError } from '../backend/backend-error.ts';
import type { Watch, WatchEvent, WatchRequest, WatchUpdate } from '../backend/watch.ts';
import { onAbort } from './call-scope.ts';
import type { EtcdConnection, EtcdStream } from './etcd-connection.ts';
import { EndpointError } from './etcd-endpoint.ts';
import { etcdFailure, watchRefusal } from './etcd-failure.ts';
import { watchCreateRequest } from './etcd-request.ts';
import { watchEvent } from './etcd-response.ts';
import { EtcdWatchStream } from './etcd-watch-stream.ts';
import { ProgressRounds, requestsPerRound } from './progress-rounds.ts';
import { UpdateQueue } from './update-queue.ts';

/** After this long without a response the server is asked for a sign of life; each answer is one. */
const silenceMs = 5000;

/** What a stream came to. */
type StreamEnd = 'again' | 'over';

/**
 * A watch on a stream of its own, opened again wherever it breaks.
 *
 * Invariant: `#next` is the first revision that the reader has not been told about; a stream that takes over begins there.
 */
export class EtcdWatch implements Watch {
  readonly #connection: EtcdConnection;
  readonly #request: WatchRequest;
  readonly #currentRevision: (signal: AbortSignal) => Promise<bigint>;
  readonly #stopping = new AbortController();
  readonly #updates = new UpdateQueue();
  readonly #progress: ProgressRounds;
  readonly #unlisten: readonly (() => void)[];
  readonly #running: Promise<void>;
  #next: bigint | undefined;
  #stream: EtcdWatchStream | undefined;
  /** Whether the reader knows that the watch stands. */
  #announced = false;
  /** Set where a member knows revisions that this watch has yet to see, see `#follow`. */
  #stepBack = false;
  #tokenRenewed = false;
  #failures = 0;

  /** @param currentRevision Reads the store's revision from a quorum. */
  constructor(
    connection: EtcdConnection,
    request: WatchRequest,
    signal: AbortSignal | undefined,
    currentRevision: (signal: AbortSignal) => Promise<bigint>,
  ) {
    this.#connection = connection;
    this.#request = request;
    this.#next = request.startRevision === undefined || request.startRevision <= 0n ? undefined : request.startRevision;
    this.#currentRevision = currentRevision;
    this.#progress = new ProgressRounds(connection.runtime.clock.monotonicMs());
    const stop = (): void => this.#stopping.abort();
    this.#unlisten = [onAbort(signal, stop), onAbort(connection.closing, stop)];
    this.#running = this.#run();
  }

  next(): Promise<IteratorResult<WatchUpdate>> {
    return this.#updates.take();
  }

  async return(): Promise<IteratorResult<WatchUpdate>> {
    await this.close();
    return { done: true, value: undefined };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  requestProgress(): void {
    void this.#wantProgress();
  }

  /** Resolves when nothing of the watch is under way any more; never rejects. */
  get ended(): Promise<void> {
    return this.#running;
  }

  async close(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    try {
      // etcd takes it for the first key of all.
      if (this.#request.key.length === 0) throw new BackendError('invalidArgument', 'a key is empty');
      while (!signal.aborted && (await this.#follow()) === 'again') {
        this.#failures += 1;
        await this.#connection.pause(this.#failures, signal);
      }
      this.#updates.end();
    } catch (error) {
      if (signal.aborted) this.#updates.end();
      else this.#updates.fail(error);
    } finally {
      this.#stopping.abort();
      for (const unlisten of this.#unlisten) unlisten();
    }
  }

  /** Follows one stream to its end. Rejects with what time cannot heal. */
  async #follow(): Promise<StreamEnd> {
    let opened: EtcdStream<IWatchRequest, IWatchResponse>;
    const { signal } = this.#stopping;
    try {
      opened = await this.#connection.openStream('Watch', 'watch', { signal });
    } catch (error) {
      if (!(error instanceof BackendError) || error.code === 'unavailable' || error.code === 'timeout') return 'again';
      throw error;
    }
    const stream = new EtcdWatchStream(opened, this.#connection.runtime);
    this.#stream = stream;
    this.#progress.restart(this.#nowMs());
    try {
      return await this.#read(stream, opened);
    } catch (error) {
      return await this.#broken(error, opened);
    } finally {
      this.#stream = undefined;
      stream.close();
    }
  }

  async #broken(error: unknown, opened: EtcdStream<IWatchRequest, IWatchResponse>): Promise<StreamEnd> {
    if (this.#stopping.signal.aborted) return 'over';
    const failure = etcdFailure(error);
    this.#connection.runtime.logger.debug('a watch stream of etcd broke', { endpoint: opened.endpoint.address, error });
    if (failure.type === 'refused') throw failure.error;
    if (failure.type === 'token') return await this.#renewToken(opened, failure.error);
    if (error instanceof EndpointError) opened.endpoint.unanswered();
    else opened.endpoint.markFailed();
    return 'again';
  }

  async #renewToken(opened: EtcdStream<IWatchRequest, IWatchResponse>, refusal: BackendError): Promise<StreamEnd> {
    if (this.#tokenRenewed || !(await this.#connection.renewToken(opened.token))) throw refusal;
    this.#tokenRenewed = true;
    return 'again';
  }

  async #read(stream: EtcdWatchStream, opened: EtcdStream<IWatchRequest, IWatchResponse>): Promise<StreamEnd> {
    const { signal } = this.#stopping;
    const start = this.#startRevision();
    stream.send({ create_request: watchCreateRequest(this.#request, start) });
    let fragments: WatchEvent[] = [];
    let asked = false;
    for (;;) {
      await this.#updates.room(signal);
      const due = this.#announced ? this.#progress.dueInMs(this.#nowMs()) : undefined;
      if (due === 0) this.#beginRound(stream);
      const limitMs = asked || !this.#announced ? this.#connection.settings.requestTimeoutMs : silenceMs;
      const received = await stream.receive(Math.min(limitMs, due === undefined || due === 0 ? limitMs : due), signal);
      if (received === 'woken') continue;
      if (received === 'nothing') {
        if (due !== undefined && due > 0) continue;
        if (asked || !this.#announced) throw new EndpointError('the stream is silent');
        stream.send({ progress_request: {} });
        asked = true;
        continue;
      }
      asked = false;
      opened.endpoint.heard();
      if (received.canceled) return await this.#canceled(received, opened);
      if (received.created) {
        if (this.#createdTooLate(received, start)) return 'again';
        this.#created(received, start);
        continue;
      }
      fragments.push(...received.events.map(watchEvent));
      if (received.fragment) continue;
      if (fragments.length > 0) this.#sawEvents(fragments);
      else this.#sawProgress(BigInt(received.header.revision));
      fragments = [];
    }
  }

  /**
   * Where a stream starts. A compaction drops the deletions of its very revision without a word to watches that start there, so
   * that a stream starts one revision early wherever that revision may be in the past already; what it repeats is left out.
   */
  #startRevision(): bigint | undefined {
    if (this.#next === undefined || this.#next === 1n) return this.#next;
    return this.#stepBack ? this.#next - 1n : this.#next;
  }

  /** Whether the watch has to start one revision earlier after all, see `#startRevision`. */
  #createdTooLate(response: IWatchResponse, start: bigint | undefined): boolean {
    if (start === undefined || start === 1n || this.#stepBack || BigInt(response.header.revision) < start) return false;
    this.#stepBack = true;
    this.#failures = -1;
    return true;
  }

  #created(response: IWatchResponse, start: bigint | undefined): void {
    const revision = BigInt(response.header.revision);
    this.#failures = 0;
    this.#tokenRenewed = false;
    this.#stepBack = true;
    if (start === undefined) this.#next = revision + 1n;
    if (this.#announced) return;
    this.#announced = true;
    const before = (this.#next as bigint) - 1n;
    this.#updates.push({ type: 'progress', revision: before < revision ? before : revision });
  }

  async #canceled(response: IWatchResponse, opened: EtcdStream<IWatchRequest, IWatchResponse>): Promise<StreamEnd> {
    const compactRevision = BigInt(response.compact_revision);
    if (compactRevision > 0n) {
      this.#updates.push({ type: 'compacted', compactRevision });
      return 'over';
    }
    const refusal = watchRefusal(response.cancel_reason);
    // A token that has run out looks like a lack of rights here.
    if (refusal.type === 'token' || refusal.error.code === 'permissionDenied') {
      return await this.#renewToken(opened, refusal.error);
    }
    if (refusal.type === 'refused') throw refusal.error;
    opened.endpoint.markFailed();
    return 'again';
  }

  #sawEvents(all: readonly WatchEvent[]): void {
    const next = this.#next as bigint;
    const events = all.filter((event) => event.kv.modRevision >= next);
    const last = events.at(-1);
    if (last === undefined) return;
    const revision = last.kv.modRevision;
    this.#next = revision + 1n;
    this.#updates.push({ type: 'events', revision, events });
    if (this.#progress.sawEvents(revision, this.#nowMs())) this.#updates.push({ type: 'progress', revision });
  }

  #sawProgress(revision: bigint): void {
    const seen = this.#progress.answered(revision, this.#nowMs());
    if (seen === undefined) return;
    const next = this.#next as bigint;
    if (seen >= next) this.#next = seen + 1n;
    this.#updates.push({ type: 'progress', revision: seen });
  }

  #beginRound(stream: EtcdWatchStream): void {
    this.#progress.begin();
    for (let request = 0; request < requestsPerRound; request += 1) stream.send({ progress_request: {} });
  }

  async #wantProgress(): Promise<void> {
    const { signal } = this.#stopping;
    for (let failures = 1; !signal.aborted; failures += 1) {
      try {
        this.#progress.want(await this.#currentRevision(signal));
        this.#stream?.wake();
        return;
      } catch {
        await this.#connection.pause(failures, signal).catch(() => undefined);
      }
    }
  }

  #nowMs(): number {
    return this.#connection.runtime.clock.monotonicMs();
  }
}
