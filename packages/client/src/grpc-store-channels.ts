import { type MethodDefinition, metapb } from '@flotilla/protocol';
import type { Runtime } from '@flotilla/runtime';
import type { SchedulerClient } from '@flotilla/scheduler-client';
import { Client, type ClientUnaryCall, connectivityState, credentials, Metadata } from '@grpc/grpc-js';
import { untilAborted } from './call-deadline.ts';
import { failedOutcome } from './call-failure.ts';
import { CommandStream } from './command-stream.ts';
import type { RawClientConfig } from './config.ts';
import { GrpcStoreStream } from './grpc-store-stream.ts';
import { attemptLocally, type LocalStore, streamLocally } from './local-store.ts';
import type { AttemptOutcome, StoreChannels, StoreStream } from './store-channels.ts';

interface Channel {
  readonly address: string;
  readonly client: Client;
  /** Carries most requests. */
  readonly commands: CommandStream;
  /** The connecting under way, shared by all who wait for it. */
  connecting: Promise<void> | undefined;
}

/** One gRPC connection to each store, found through the scheduler, made when first needed and kept. */
export class GrpcStoreChannels implements StoreChannels {
  readonly #scheduler: SchedulerClient;
  readonly #config: RawClientConfig;
  readonly #runtime: Runtime;
  readonly #local: LocalStore | undefined;
  readonly #metadata = new Metadata();
  readonly #channels = new Map<number, Channel>();
  readonly #resolving = new Map<number, Promise<Channel>>();
  /** Stores whose address is asked for again before the next attempt. */
  readonly #doubted = new Set<number>();
  readonly #closing = new AbortController();

  constructor(scheduler: SchedulerClient, config: RawClientConfig, runtime: Runtime, local?: LocalStore) {
    this.#scheduler = scheduler;
    this.#config = config;
    this.#runtime = runtime;
    this.#local = local;
    this.#metadata.set('flotilla-cluster-id', String(scheduler.clusterId));
  }

  async attempt<Request, Response>(
    storeId: number,
    method: MethodDefinition<Request, Response>,
    request: Request,
    signal: AbortSignal,
    timeoutMs?: number,
  ): Promise<AttemptOutcome<Response>> {
    if (storeId === this.#local?.storeId) {
      const outcome = attemptLocally(this.#local, method, request, { signal, timeoutMs, timers: this.#runtime.timers });
      if (outcome !== undefined) return outcome;
    }
    let channel: Channel;
    try {
      channel = this.#connected(storeId) ?? (await this.#reach(storeId, signal));
    } catch (cause) {
      this.doubt(storeId);
      return { type: 'notSent', cause };
    }
    const streamed = channel.commands.send(method, request, { signal, timeoutMs });
    let outcome = streamed === undefined ? undefined : await streamed;
    if (outcome === undefined || outcome === 'unsupported') {
      outcome = await this.#send(channel.client, method, request, signal, timeoutMs);
    }
    if (outcome.type !== 'answered') this.doubt(storeId);
    return outcome;
  }

  stream<Request, Response>(
    storeId: number,
    method: MethodDefinition<Request, Response>,
    request: Request,
  ): StoreStream<Response> {
    const local = storeId === this.#local?.storeId ? streamLocally(this.#local, method, request) : undefined;
    if (local !== undefined) return local;
    return new GrpcStoreStream({
      method,
      request,
      metadata: this.#metadata,
      connect: async (signal) => (await this.#reach(storeId, signal)).client,
      onLost: () => this.doubt(storeId),
    });
  }

  doubt(storeId: number): void {
    this.#doubted.add(storeId);
  }

  close(): void {
    this.#closing.abort(new Error('the client was closed'));
    for (const { client, commands } of this.#channels.values()) {
      commands.close();
      client.close();
    }
    this.#channels.clear();
  }

  /** The connection to a store, if it stands. */
  #connected(storeId: number): Channel | undefined {
    const channel = this.#doubted.has(storeId) ? undefined : this.#channels.get(storeId);
    return channel !== undefined && this.#connecting(channel) === undefined ? channel : undefined;
  }

  /** Makes a connection to a store, or waits for the one that is being made. */
  async #reach(storeId: number, signal: AbortSignal): Promise<Channel> {
    const known = this.#doubted.has(storeId) ? undefined : this.#channels.get(storeId);
    const channel = known ?? (await untilAborted(this.#resolveOnce(storeId), signal));
    const connecting = this.#connecting(channel);
    if (connecting !== undefined) await untilAborted(connecting, signal);
    return channel;
  }

  #resolveOnce(storeId: number): Promise<Channel> {
    let resolving = this.#resolving.get(storeId);
    if (resolving === undefined) {
      resolving = this.#resolve(storeId).finally(() => this.#resolving.delete(storeId));
      this.#resolving.set(storeId, resolving);
    }
    return resolving;
  }

  async #resolve(storeId: number): Promise<Channel> {
    const known = this.#channels.get(storeId);
    let store: metapb.Store | undefined;
    try {
      store = await this.#lookUp(storeId);
    } catch (error) {
      // Without a scheduler, where the store was last is the best guess. If it is wrong, the next attempt comes here again.
      if (known === undefined || this.#closing.signal.aborted) throw error;
      this.#doubted.delete(storeId);
      return known;
    }
    this.#closing.signal.throwIfAborted();
    if (store === undefined) throw new Error(`store ${storeId} is not known to the scheduler`);
    if (store.state === metapb.StoreState.Tombstone) throw new Error(`store ${storeId} was removed from the cluster`);
    this.#doubted.delete(storeId);
    if (known !== undefined && known.address === store.address) return known;
    // A channel to where the store no longer is; calls under way there end by themselves.
    known?.commands.end();
    known?.client.close();
    const client = this.#connect(store.address);
    const commands = new CommandStream(client, this.#metadata, this.#runtime.timers);
    const channel = { address: store.address, client, commands, connecting: undefined };
    this.#channels.set(storeId, channel);
    return channel;
  }

  /** What the scheduler knows of a store. One that stands still is not waited for long: another peer may answer. */
  async #lookUp(storeId: number): Promise<metapb.Store | undefined> {
    const patience = new AbortController();
    const reason = new Error('the scheduler does not answer');
    const timer = this.#runtime.timers.after(this.#config.connectTimeoutMs, () => patience.abort(reason));
    const signal = AbortSignal.any([this.#closing.signal, patience.signal]);
    try {
      return await untilAborted(this.#scheduler.getStore(storeId, signal), signal);
    } finally {
      timer.cancel();
    }
  }

  #connect(address: string): Client {
    const { keepaliveTimeMs, keepaliveTimeoutMs, retryMaxMs } = this.#config;
    return new Client(address, credentials.createInsecure(), {
      'grpc.keepalive_time_ms': keepaliveTimeMs,
      'grpc.keepalive_timeout_ms': keepaliveTimeoutMs,
      'grpc.max_receive_message_length': 32 * 1024 * 1024,
      'grpc.initial_reconnect_backoff_ms': Math.max(100, this.#config.retryInitialMs),
      'grpc.max_reconnect_backoff_ms': Math.max(100, retryMaxMs),
      'grpc.use_local_subchannel_pool': 1,
      // Retries are ours alone: only we know which requests may be repeated.
      'grpc.enable_retries': 0,
      'grpc.service_config_disable_resolution': 1,
    });
  }

  /** Resolves when the connection stands, rejects as soon as it cannot be made; `undefined` when it stands already. */
  #connecting(channel: Channel): Promise<void> | undefined {
    if (channel.client.getChannel().getConnectivityState(true) === connectivityState.READY) return undefined;
    channel.connecting ??= this.#waitUntilReady(channel).finally(() => {
      channel.connecting = undefined;
    });
    return channel.connecting;
  }

  #waitUntilReady({ address, client }: Channel): Promise<void> {
    const channel = client.getChannel();
    const { connectTimeoutMs } = this.#config;
    return new Promise((resolve, reject) => {
      let isOver = false;
      const timer = this.#runtime.timers.after(connectTimeoutMs, () => {
        isOver = true;
        reject(new Error(`no connection to ${address} within ${connectTimeoutMs} ms`));
      });
      const end = (settle: () => void): void => {
        isOver = true;
        timer.cancel();
        settle();
      };
      const look = (): void => {
        if (isOver) return;
        const state = channel.getConnectivityState(true);
        if (state === connectivityState.READY) end(resolve);
        else if (state === connectivityState.TRANSIENT_FAILURE || state === connectivityState.SHUTDOWN) {
          end(() => reject(new Error(`cannot connect to ${address}`)));
        } else channel.watchConnectivityState(state, Number.POSITIVE_INFINITY, look);
      };
      look();
    });
  }

  #send<Request, Response>(
    client: Client,
    method: MethodDefinition<Request, Response>,
    request: Request,
    signal: AbortSignal,
    timeoutMs: number | undefined,
  ): Promise<AttemptOutcome<Response>> {
    const { path, requestSerialize, responseDeserialize } = method;
    return new Promise((resolve) => {
      if (signal.aborted) {
        resolve({ type: 'notSent', cause: signal.reason });
        return;
      }
      const cancel = (): void => call.cancel();
      const timer = timeoutMs === undefined ? undefined : this.#runtime.timers.after(timeoutMs, cancel);
      signal.addEventListener('abort', cancel, { once: true });
      const call: ClientUnaryCall = client.makeUnaryRequest(
        path,
        requestSerialize,
        responseDeserialize,
        request,
        this.#metadata,
        (error, response) => {
          timer?.cancel();
          signal.removeEventListener('abort', cancel);
          if (error === null && response !== undefined) resolve({ type: 'answered', response });
          else resolve(failedOutcome(error));
        },
      );
    });
  }
}
