import { type errorpb, kvrpcpb, type MethodDefinition, type metapb } from '@flotilla/protocol';
import type { Runtime } from '@flotilla/runtime';
import { CallDeadline, type CallOptions } from './call-deadline.ts';
import {
  type ClientError,
  ClosedError,
  InvalidArgumentError,
  OutcomeUnknownError,
  RegionRefusalError,
  RejectedError,
  UnavailableError,
} from './client-error.ts';
import type { RawClientConfig, ReadPreference } from './config.ts';
import { type CachedRegion, firstChoice } from './region-cache.ts';
import type { RegionDirectory } from './region-directory.ts';
import { describeRefusal, learnFromRefusal } from './region-refusal.ts';
import { ReplicaChoice } from './replica-choice.ts';
import type { StoreChannels } from './store-channels.ts';

/** A request for one region, and how it is sent. */
export interface RegionRequest<Request, Response> {
  /** Names the call in errors. */
  readonly name: string;
  /** The key that decides the region. */
  readonly key: Uint8Array;
  /** Whether sending it twice could matter. */
  readonly isWrite: boolean;
  readonly method: MethodDefinition<Request, Response>;
  /** Who answers, where that is not as configured. */
  readonly readPreference?: ReadPreference | undefined;
  /** The request for a region, built anew for each attempt. */
  build(context: kvrpcpb.Context, region: metapb.Region): Request;
}

/** A region's answer that is not a refusal, with the region as it was when it answered. */
export interface RegionAnswer<Response> {
  readonly response: Response;
  readonly region: metapb.Region;
}

/** What calls are made with. */
export interface RegionCallerOptions {
  readonly directory: RegionDirectory;
  readonly channels: StoreChannels;
  readonly config: RawClientConfig;
  readonly runtime: Runtime;
}

/** How one round of a call ended: with an answer, for good, or to be repeated. */
type Round<Response> =
  | { readonly type: 'done'; readonly answer: RegionAnswer<Response> }
  | { readonly type: 'failed'; readonly error: ClientError }
  | { readonly type: 'retry'; readonly isAtOnce: boolean; readonly error: ClientError };

/**
 * Sends requests to the regions of their keys: finds the region and its leader, follows what the stores answer, and retries
 * within the call's time.
 *
 * Invariant: a write is repeated only when every earlier attempt certainly took no effect, unless `retryUnknownWrites`.
 */
export class RegionCaller {
  readonly #options: RegionCallerOptions;
  readonly #replicas: ReplicaChoice;
  readonly #underWay = new Set<CallDeadline>();
  #isClosed = false;

  constructor(options: RegionCallerOptions) {
    this.#options = options;
    this.#replicas = new ReplicaChoice(options.runtime.clock);
  }

  /** Ends the calls under way and refuses new ones. */
  close(): void {
    this.#isClosed = true;
    for (const deadline of this.#underWay) deadline.end(new ClosedError('the client was closed'));
  }

  /** @throws {ClientError} with the code that tells how the call ended. */
  async call<Request, Response extends { readonly regionError: errorpb.Error | undefined }>(
    request: RegionRequest<Request, Response>,
    options: CallOptions = {},
  ): Promise<RegionAnswer<Response>> {
    const { runtime, config } = this.#options;
    if (this.#isClosed) throw new ClosedError('the client was closed');
    const deadline = new CallDeadline(runtime, options.timeoutMs ?? config.requestTimeoutMs, options.signal);
    this.#underWay.add(deadline);
    try {
      return await this.#repeat(request, deadline);
    } finally {
      this.#underWay.delete(deadline);
      deadline.dispose();
    }
  }

  async #repeat<Request, Response extends { readonly regionError: errorpb.Error | undefined }>(
    request: RegionRequest<Request, Response>,
    deadline: CallDeadline,
  ): Promise<RegionAnswer<Response>> {
    const { config } = this.#options;
    /** The first attempt whose effect is unknown; from then on the call can only succeed or end as unknown. */
    let doubt: OutcomeUnknownError | undefined;
    let last: ClientError | undefined;
    let pauses = 0;
    for (let attempt = 0; attempt < config.maxAttempts; attempt += 1) {
      if (deadline.ended !== undefined) break;
      const round = await this.#round(request, attempt, deadline);
      if (round.type === 'done') return round.answer;
      if (round.type === 'failed') throw doubt ?? round.error;
      // Earlier failures tell more than that the time has passed.
      if (round.error !== deadline.ended) last = round.error;
      if (round.error instanceof OutcomeUnknownError) {
        doubt ??= round.error;
        if (!config.retryUnknownWrites) throw doubt;
      }
      // Learning better twice in a row is normal, as after a split; a longer row is stores that disagree.
      if (round.isAtOnce && attempt - pauses < 3) continue;
      await this.#pause(pauses, deadline);
      pauses += 1;
    }
    throw doubt ?? ended(request.name, deadline, last);
  }

  async #round<Request, Response extends { readonly regionError: errorpb.Error | undefined }>(
    request: RegionRequest<Request, Response>,
    attempt: number,
    deadline: CallDeadline,
  ): Promise<Round<Response>> {
    const { directory, channels, config } = this.#options;
    let located: CachedRegion | undefined;
    try {
      located = await directory.locate(request.key, deadline.signal);
    } catch (cause) {
      return later(
        deadline.ended ?? new UnavailableError(`${request.name}: the scheduler did not tell the region`, { cause }),
      );
    }
    // What a replica could not answer, the leader can, or knows why not.
    const { readPreference = config.readPreference } = request;
    const mayChoose = attempt === 0 && !request.isWrite && readPreference === 'any';
    const replica = mayChoose && located !== undefined ? this.#replicas.next(located.region) : undefined;
    const peer = replica ?? (located === undefined ? undefined : firstChoice(located));
    if (located === undefined || peer === undefined) {
      return later(new UnavailableError(`${request.name}: the scheduler knows no region for the key yet`));
    }
    const { region } = located;
    const { id: regionId, regionEpoch } = region;
    const context = kvrpcpb.Context.create({ regionId, regionEpoch, peer, replicaRead: replica !== undefined });
    const mayRepeat = !request.isWrite || config.retryUnknownWrites;
    const outcome = await channels.attempt(
      peer.storeId,
      request.method,
      request.build(context, region),
      deadline.signal,
      mayRepeat ? config.attemptTimeoutMs : undefined,
    );
    switch (outcome.type) {
      case 'answered':
        return this.#judge(request, outcome.response, replica === undefined ? located : { region, leader: replica });
      case 'refused':
        return { type: 'failed', error: refusedError(request.name, outcome) };
      case 'notSent':
        this.#avoid(region, peer, replica !== undefined);
        return later(
          deadline.ended ?? new UnavailableError(`${request.name}: store ${peer.storeId} cannot be reached`, outcome),
        );
      case 'broken':
        this.#avoid(region, peer, replica !== undefined);
        return later(brokenError(request, peer.storeId, deadline, outcome.cause));
    }
  }

  #avoid(region: metapb.Region, peer: metapb.Peer, isReplica: boolean): void {
    if (isReplica) this.#replicas.rest(peer.storeId);
    this.#options.directory.cache.avoid(region.id, peer);
  }

  #judge<Request, Response extends { readonly regionError: errorpb.Error | undefined }>(
    request: RegionRequest<Request, Response>,
    response: Response,
    asked: CachedRegion,
  ): Round<Response> {
    const { directory, channels } = this.#options;
    const { regionError } = response;
    if (regionError === undefined) return { type: 'done', answer: { response, region: asked.region } };
    const advice = learnFromRefusal(regionError, asked, directory.cache, (storeId) => channels.doubt(storeId));
    const text = `${request.name}: ${describeRefusal(regionError, asked.region.id)}`;
    const refusal = new RegionRefusalError(text, regionError);
    switch (advice) {
      case 'retryNow':
        return { type: 'retry', isAtOnce: true, error: refusal };
      case 'retryLater':
        return later(refusal);
      case 'invalid':
        return {
          type: 'failed',
          error: new InvalidArgumentError(`${text}: ${regionError.message}`, { cause: refusal }),
        };
      case 'unknown':
        return later(request.isWrite ? new OutcomeUnknownError(text, { cause: refusal }) : refusal);
    }
  }

  /** Waits, longer each time; ends early, without an error, at the deadline. */
  async #pause(pauses: number, deadline: CallDeadline): Promise<void> {
    const { runtime, config } = this.#options;
    const ceiling = Math.min(config.retryMaxMs, config.retryInitialMs * 2 ** Math.min(pauses, 30));
    const delayMs = ceiling * (0.5 + runtime.random.fraction() / 2);
    await runtime.timers.sleep(delayMs, deadline.signal).catch(() => {});
  }
}

function later(error: ClientError): Round<never> {
  return { type: 'retry', isAtOnce: false, error };
}

function refusedError(name: string, outcome: { readonly isInvalid: boolean; readonly cause: Error }): ClientError {
  const text = `${name}: ${outcome.cause.message}`;
  return outcome.isInvalid ? new InvalidArgumentError(text, outcome) : new RejectedError(text, outcome);
}

function brokenError(
  request: { readonly name: string; readonly isWrite: boolean },
  storeId: number,
  deadline: CallDeadline,
  cause: unknown,
): ClientError {
  if (!request.isWrite) {
    return deadline.ended ?? new UnavailableError(`${request.name}: store ${storeId} did not answer`, { cause });
  }
  const text = `${request.name}: sent to store ${storeId}, whose answer never came; it may or may not have taken effect`;
  return new OutcomeUnknownError(text, { cause: deadline.ended ?? cause });
}

/** What a call ends with whose time or attempts are used up: the last failure tells more than that time has passed. */
function ended(name: string, deadline: CallDeadline, last: ClientError | undefined): ClientError {
  const { ended: reason } = deadline;
  const isChosen = reason?.code === 'cancelled' || reason?.code === 'closed';
  if (reason !== undefined && (isChosen || last === undefined)) return reason;
  return last ?? new UnavailableError(`${name}: no attempt was made`);
}
