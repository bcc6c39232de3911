import { type errorpb, kvrpcpb, type MethodDefinition, type metapb } from '@flotilla/protocol';
import type { Runtime } from '@flotilla/runtime';
import { CallDeadline } from './call-deadline.ts';
import {
  CancelledError,
  type ClientError,
  ClosedError,
  InvalidArgumentError,
  RegionRefusalError,
  RejectedError,
  UnavailableError,
} from './client-error.ts';
import type { RawClientConfig, ReadPreference } from './config.ts';
import { type CachedRegion, firstChoice } from './region-cache.ts';
import type { RegionDirectory } from './region-directory.ts';
import { describeRefusal, learnFromRefusal } from './region-refusal.ts';
import type { ReplicaChoice } from './replica-choice.ts';
import type { StoreChannels, StoreStream, StreamEvent } from './store-channels.ts';

/** A stream that a region's replica serves, and how it is asked for. */
export interface RegionStreamRequest<Request, Response> {
  /** Names the stream in errors. */
  readonly name: string;
  /** The key that decides the region. */
  readonly key: Uint8Array;
  readonly method: MethodDefinition<Request, Response>;
  build(context: kvrpcpb.Context): Request;
}

/** What streams are opened with. */
export interface RegionStreamOptions {
  readonly directory: RegionDirectory;
  readonly channels: StoreChannels;
  readonly config: RawClientConfig;
  readonly runtime: Runtime;
  readonly replicas: ReplicaChoice;
  readonly readPreference: ReadPreference;
  readonly signal: AbortSignal | undefined;
  readonly onEnd: () => void;
}

interface OpenStream<Response> {
  readonly stream: StoreStream<Response>;
  readonly region: metapb.Region;
  readonly peer: metapb.Peer;
}

type Answer = { readonly regionError: errorpb.Error | undefined };

/**
 * A stream of a region's answers, from one replica. Until the first answer any replica is tried, as a call would be; after
 * it, what the reader has had is known to the reader alone, and a loss is the reader's to go on from.
 */
export class RegionStream<Request, Response extends Answer> {
  readonly #request: RegionStreamRequest<Request, Response>;
  readonly #options: RegionStreamOptions;
  readonly #onAbort = (): void => this.end(new CancelledError('the caller gave up'));
  #open: OpenStream<Response> | undefined;
  #opening: CallDeadline | undefined;
  #failure: ClientError | undefined;
  #isBegun = false;
  #isOver = false;

  constructor(request: RegionStreamRequest<Request, Response>, options: RegionStreamOptions) {
    this.#request = request;
    this.#options = options;
  }

  /**
   * The next answer; `undefined` once the store has ended the stream. One call at a time.
   *
   * @throws {ClientError} with code `unavailable` or `regionError` when another stream may go on where this one was lost.
   */
  async next(): Promise<Response | undefined> {
    if (this.#failure !== undefined) throw this.#failure;
    if (this.#isOver) return undefined;
    if (!this.#isBegun) this.#begin();
    if (this.#failure !== undefined) throw this.#failure;
    try {
      const answer = this.#open === undefined ? await this.#first() : await this.#following(this.#open);
      if (answer === undefined) this.#finish();
      return answer;
    } catch (error) {
      this.end(error as ClientError);
      throw this.#failure ?? error;
    }
  }

  /** Ends it, with the error that a reader is told. */
  end(reason: ClientError = new ClosedError('the stream was closed')): void {
    if (this.#isOver) return;
    this.#failure = reason;
    this.#finish();
  }

  #begin(): void {
    const { signal } = this.#options;
    this.#isBegun = true;
    if (signal?.aborted === true) this.#onAbort();
    else signal?.addEventListener('abort', this.#onAbort, { once: true });
  }

  #finish(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#opening?.end(this.#failure ?? new ClosedError('the stream has ended'));
    this.#open?.stream.close();
    this.#options.signal?.removeEventListener('abort', this.#onAbort);
    this.#options.onEnd();
  }

  async #following(open: OpenStream<Response>): Promise<Response | undefined> {
    const event = await this.#read(open.stream);
    if (event.type === 'message' && event.message.regionError === undefined) return event.message;
    if (event.type === 'ended') return undefined;
    const { name } = this.#request;
    if (event.type === 'message') throw this.#learn(event.message.regionError as errorpb.Error, open).error;
    this.#avoid(open);
    throw new UnavailableError(`${name}: store ${open.peer.storeId} goes on with the stream no more`, event);
  }

  async #first(): Promise<Response | undefined> {
    const { config, runtime } = this.#options;
    const deadline = new CallDeadline(runtime, config.requestTimeoutMs, undefined);
    this.#opening = deadline;
    try {
      let last: ClientError | undefined;
      for (let attempt = 0; attempt < config.maxAttempts && deadline.ended === undefined; attempt += 1) {
        const outcome = await this.#attempt(deadline);
        if (outcome.type === 'opened') return outcome.answer;
        last = outcome.error;
        if (outcome.isAtOnce && attempt < 3) continue;
        const ceiling = Math.min(config.retryMaxMs, config.retryInitialMs * 2 ** Math.min(attempt, 30));
        const delayMs = ceiling * (0.5 + runtime.random.fraction() / 2);
        await runtime.timers.sleep(delayMs, deadline.signal).catch(() => {});
      }
      throw this.#failure ?? last ?? deadline.ended ?? new UnavailableError(`${this.#request.name}: never tried`);
    } finally {
      deadline.dispose();
      this.#opening = undefined;
    }
  }

  async #attempt(
    deadline: CallDeadline,
  ): Promise<
    | { readonly type: 'opened'; readonly answer: Response | undefined }
    | { readonly type: 'retry'; readonly isAtOnce: boolean; readonly error: ClientError }
  > {
    const { channels, directory, readPreference, replicas } = this.#options;
    const { build, key, method, name } = this.#request;
    let located: CachedRegion | undefined;
    try {
      located = await directory.locate(key, deadline.signal);
    } catch (cause) {
      return retry(new UnavailableError(`${name}: the scheduler did not tell the region`, { cause }));
    }
    const replica = readPreference === 'any' && located !== undefined ? replicas.next(located.region) : undefined;
    const peer = replica ?? (located === undefined ? undefined : firstChoice(located));
    if (located === undefined || peer === undefined) {
      return retry(new UnavailableError(`${name}: the scheduler knows no region for the key yet`));
    }
    const { region } = located;
    const { id: regionId, regionEpoch } = region;
    const context = kvrpcpb.Context.create({ regionId, regionEpoch, peer, replicaRead: replica !== undefined });
    const open = { stream: channels.stream(peer.storeId, method, build(context)), region, peer };
    this.#open = open;
    if (this.#isOver) open.stream.close();
    const event = await this.#read(open.stream);
    if (event.type === 'message' && event.message.regionError === undefined) {
      return { type: 'opened', answer: event.message };
    }
    if (event.type === 'ended') return { type: 'opened', answer: undefined };
    this.#open = undefined;
    open.stream.close();
    if (event.type === 'refused') {
      const text = `${name}: ${event.cause.message}`;
      throw event.isInvalid ? new InvalidArgumentError(text, event) : new RejectedError(text, event);
    }
    if (event.type === 'message') {
      const { advice, error } = this.#learn(event.message.regionError as errorpb.Error, open);
      if (advice === 'invalid') throw error;
      // The region is there, but not this replica's machine.
      if (advice === 'retryLater') this.#avoid(open);
      return { type: 'retry', isAtOnce: advice === 'retryNow', error };
    }
    this.#avoid(open);
    return retry(new UnavailableError(`${name}: store ${peer.storeId} brings nothing`, event));
  }

  /** Reads on, for as long as a stream may be silent. */
  async #read(stream: StoreStream<Response>): Promise<StreamEvent<Response>> {
    const { config, runtime } = this.#options;
    const { streamSilenceMs } = config;
    let isSilent = false;
    const timer = runtime.timers.after(streamSilenceMs, () => {
      isSilent = true;
      stream.close();
    });
    const event = await stream.next();
    timer.cancel();
    if (!isSilent || event.type === 'message') return event;
    return { type: 'broken', cause: new Error(`nothing came for ${streamSilenceMs} ms`) };
  }

  #learn(
    regionError: errorpb.Error,
    { region, peer }: OpenStream<Response>,
  ): { readonly advice: ReturnType<typeof learnFromRefusal>; readonly error: ClientError } {
    const { channels, directory } = this.#options;
    const asked = { region, leader: peer };
    const advice = learnFromRefusal(regionError, asked, directory.cache, (storeId) => channels.doubt(storeId));
    const text = `${this.#request.name}: ${describeRefusal(regionError, region.id)}`;
    const error = new RegionRefusalError(text, regionError);
    return { advice, error: advice === 'invalid' ? new InvalidArgumentError(text, { cause: error }) : error };
  }

  #avoid({ region, peer }: OpenStream<Response>): void {
    if (this.#options.readPreference === 'any') this.#options.replicas.rest(peer.storeId);
    this.#options.directory.cache.avoid(region.id, peer);
  }
}

function retry(error: ClientError): {
  readonly type: 'retry';
  readonly isAtOnce: boolean;
  readonly error: ClientError;
} {
  return { type: 'retry', isAtOnce: false, error };
}
