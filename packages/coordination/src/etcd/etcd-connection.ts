import { setMaxListeners } from 'node:events';
import { assert, type Runtime } from '@flotilla/runtime';
import type { Client, ClientDuplexStream } from '@grpc/grpc-js';
import { BackendError } from '../backend/backend-error.ts';
import type { CallOptions } from '../backend/coordination-backend.ts';
import { CallScope, unlessAborted } from './call-scope.ts';
import { callMetadata, duplexCall, type EtcdCall } from './etcd-call.ts';
import { EndpointError, EtcdEndpoint, type EtcdService } from './etcd-endpoint.ts';
import { type EtcdFailure, etcdFailure } from './etcd-failure.ts';
import type { EtcdSettings } from './etcd-options.ts';
import { EtcdTokens } from './etcd-tokens.ts';

/** A stream that is open on an endpoint. */
export interface EtcdStream<Request, Response> {
  readonly call: ClientDuplexStream<Request, Response>;
  readonly endpoint: EtcdEndpoint;
  readonly token: string | undefined;
}

/** Pauses after failed attempts, in milliseconds: they double from the first to the last, less up to half at random. */
const firstPauseMs = 20;
const lastPauseMs = 500;
/** With another endpoint to turn to, an attempt that may be repeated gets half of the time that is left, and no less than this. */
const shortestAttemptMs = 200;

/**
 * The members of a cluster as one server: finds one that answers, and sends a call again where that is certain to do no harm.
 *
 * Invariant: what is not repeatable is sent at most once, unless the server said that it did not take it.
 */
export class EtcdConnection {
  readonly runtime: Runtime;
  readonly settings: EtcdSettings;
  readonly #endpoints: readonly EtcdEndpoint[];
  readonly #closing = new AbortController();
  readonly #tokens: EtcdTokens;

  constructor(settings: EtcdSettings, runtime: Runtime) {
    // As many as there are calls and watches.
    setMaxListeners(0, this.#closing.signal);
    this.settings = settings;
    this.runtime = runtime;
    this.#endpoints = settings.addresses.map((address) => new EtcdEndpoint(address, settings, runtime));
    assert(this.#endpoints[0]?.keepsWideIntegers === true, 'etcd3 rounds 64-bit numbers in this environment');
    this.#tokens = new EtcdTokens(settings.user, (call) => this.#callWithoutToken(call));
  }

  /** Aborts when the connection closes. */
  get closing(): AbortSignal {
    return this.#closing.signal;
  }

  /**
   * Makes the call and resolves with the answer.
   *
   * @throws {BackendError}
   */
  async call<Response>(call: EtcdCall<Response>, options: CallOptions = {}): Promise<Response> {
    const scope = this.#scope(options);
    try {
      return await this.#run(call, scope, () => unlessAborted(this.#tokens.get(), scope.signal));
    } finally {
      scope[Symbol.dispose]();
    }
  }

  /**
   * Opens a stream on the endpoint that seems best, in one attempt.
   *
   * @throws {BackendError} `unavailable` when it cannot be reached; what the server makes of the stream comes on the stream.
   */
  async openStream<Request, Response>(
    service: EtcdService,
    method: string,
    options: CallOptions = {},
  ): Promise<EtcdStream<Request, Response>> {
    const scope = this.#scope(options);
    const endpoint = this.#pick();
    try {
      const token = await unlessAborted(this.#tokens.get(), scope.signal);
      const client = await endpoint.connect(service, this.settings.dialTimeoutMs, scope.signal);
      return { call: duplexCall(client, method, callMetadata(token, false)), endpoint, token };
    } catch (error) {
      if (scope.end === 'timeout') endpoint.unanswered();
      if (scope.end !== undefined) throw scope.endError(error);
      if (error instanceof BackendError) throw error;
      endpoint.markFailed();
      throw unreachable(error);
    } finally {
      scope[Symbol.dispose]();
    }
  }

  /** Has the token fetched again; whether that can be done. */
  async renewToken(refused: string | undefined): Promise<boolean> {
    if (!this.#tokens.canRenew) return false;
    await this.#tokens.invalidate(refused);
    return true;
  }

  /** A pause after the `failures`-th failure in a row, counted from 1. Rejects with the signal's reason. */
  pause(failures: number, signal: AbortSignal): Promise<void> {
    const fullMs = Math.min(firstPauseMs * 2 ** Math.min(failures - 1, 20), lastPauseMs);
    return this.runtime.timers.sleep(fullMs * (1 - this.runtime.random.fraction() / 2), signal);
  }

  close(): void {
    this.#closing.abort();
    for (const endpoint of this.#endpoints) endpoint.close();
  }

  async #callWithoutToken<Response>(call: EtcdCall<Response>): Promise<Response> {
    const scope = this.#scope({});
    try {
      return await this.#run(call, scope, () => Promise.resolve(undefined));
    } finally {
      scope[Symbol.dispose]();
    }
  }

  #scope(options: CallOptions): CallScope {
    return new CallScope(this.runtime, this.settings.requestTimeoutMs, options, this.#closing.signal);
  }

  async #run<Response>(
    call: EtcdCall<Response>,
    scope: CallScope,
    tokenOf: () => Promise<string | undefined>,
  ): Promise<Response> {
    let failures = 0;
    let renewed = false;
    let last: BackendError | undefined;
    for (;;) {
      if (scope.end !== undefined) throw endOf(scope, last);
      const endpoint = this.#pick();
      const attempt = await this.#attempt(call, endpoint, scope, tokenOf);
      if (attempt.type === 'answered') return attempt.response;
      if (attempt.type === 'over') throw attempt.error ?? endOf(scope, last);
      if (attempt.type === 'refused') throw attempt.error;
      last = attempt.error;
      if (attempt.type === 'token') {
        if (renewed || !(await this.renewToken(attempt.token))) throw last;
        renewed = true;
        continue;
      }
      endpoint.markFailed();
      if (attempt.type === 'ambiguous' && !call.repeatable) throw outcomeUnknown(last);
      failures += 1;
      // The first failure sends the call elsewhere at once.
      if (failures >= this.#endpoints.length) await this.pause(failures, scope.signal).catch(() => undefined);
    }
  }

  async #attempt<Response>(
    call: EtcdCall<Response>,
    endpoint: EtcdEndpoint,
    scope: CallScope,
    tokenOf: () => Promise<string | undefined>,
  ): Promise<Attempt<Response>> {
    let client: Client;
    let token: string | undefined;
    try {
      token = await tokenOf();
      client = await endpoint.connect(call.service, this.settings.dialTimeoutMs, scope.signal);
    } catch (error) {
      if (scope.end === 'timeout') endpoint.unanswered();
      if (scope.end !== undefined) return { type: 'over', error: undefined };
      if (error instanceof EndpointError) return { type: 'notTaken', error: unreachable(error) };
      if (error instanceof BackendError) return { type: 'refused', error };
      throw error;
    }
    const pending = call.start(client, callMetadata(token, call.leaderless));
    try {
      const response = await this.#inTime(call, pending.response, scope);
      endpoint.heard();
      return { type: 'answered', response };
    } catch (error) {
      pending.cancel();
      if (error instanceof EndpointError || scope.end === 'timeout') endpoint.unanswered();
      if (scope.end === undefined) return { ...etcdFailure(error), token };
      // It was sent: the server may carry out what nobody waits for any more.
      return { type: 'over', error: call.repeatable ? scope.endError() : outcomeUnknown(scope.endError()) };
    }
  }

  /** The response, unless the scope ends, or the share of its time that one attempt gets. */
  async #inTime<Response>(call: EtcdCall<Response>, response: Promise<Response>, scope: CallScope): Promise<Response> {
    if (!call.repeatable || this.#endpoints.length === 1) return unlessAborted(response, scope.signal);
    const attempt = new AbortController();
    const timer = this.runtime.timers.after(Math.max(scope.remainingMs / 2, shortestAttemptMs), () =>
      attempt.abort(new EndpointError('no answer in the time that one endpoint gets')),
    );
    try {
      return await unlessAborted(unlessAborted(response, attempt.signal), scope.signal);
    } finally {
      timer.cancel();
    }
  }

  /** The first endpoint that has not failed, or else the one whose failure is longest ago. */
  #pick(): EtcdEndpoint {
    return this.#endpoints.reduce((best, next) => (next.failedAtMs < best.failedAtMs ? next : best));
  }
}

type Attempt<Response> =
  | { readonly type: 'answered'; readonly response: Response }
  | { readonly type: 'over'; readonly error: BackendError | undefined }
  | (EtcdFailure & { readonly token?: string | undefined });

function endOf(scope: CallScope, last: BackendError | undefined): BackendError {
  if (scope.end !== 'timeout') return scope.endError(last);
  return new BackendError('unavailable', last?.message ?? 'no endpoint could be reached in time', { cause: last });
}

function outcomeUnknown(cause: BackendError): BackendError {
  return new BackendError('outcomeUnknown', `the write was sent and its answer is lost: ${cause.message}`, { cause });
}

function unreachable(error: unknown): BackendError {
  return new BackendError('unavailable', (error as Error).message, { cause: error });
}
