import { flotillapb, type raft_serverpb } from '@flotilla/protocol';
import type { Runtime, TimerHandle } from '@flotilla/runtime';
import { Client, type ClientOptions, type ClientWritableStream, credentials } from '@grpc/grpc-js';
import { clusterHeaders } from './cluster-header.ts';
import type { TransportConfig } from './config.ts';

/** Finds the address of a store, `host:port`; `undefined` when no such store exists. */
export type StoreResolver = (storeId: number, signal: AbortSignal) => Promise<string | undefined>;

/** What a stream to one store needs. */
export interface TransportStreamOptions {
  readonly storeId: number;
  readonly clusterId: number;
  readonly resolve: StoreResolver;
  readonly config: TransportConfig;
  readonly runtime: Runtime;
  /** Hears that the store could not be reached, or was lost; once for each failure. */
  readonly onUnreachable: (storeId: number) => void;
}

/** A message was queued, or why not. */
export type QueueOutcome = 'accepted' | 'full' | 'unknownStore' | 'closed';

/**
 * The most that one frame holds. A frame costs as much as several dozen small messages to encode, and the heartbeats of
 * many regions are small; large appends gain nothing from company.
 */
const maxBatchMessages = 512;
const maxBatchBytes = 256 * 1024;

/** The options of every connection between stores. */
export function peerClientOptions(config: TransportConfig): ClientOptions {
  return {
    'grpc.keepalive_time_ms': config.keepaliveTimeMs,
    'grpc.keepalive_timeout_ms': config.keepaliveTimeoutMs,
    'grpc.keepalive_permit_without_calls': 1,
    'grpc.max_receive_message_length': 1024 * 1024,
    // Each connection tries and fails for itself: the pauses are ours, and a store that came back is tried afresh.
    'grpc.use_local_subchannel_pool': 1,
    'grpc.enable_retries': 0,
    'grpc.service_config_disable_resolution': 1,
  };
}

/**
 * The stream of raft messages to one store, which connects by itself and again after a failure.
 *
 * Messages wait in a bounded queue while the connection is being made or is slower than we are. When it is lost, what
 * waits is dropped: it is old by the time the next one stands, and raft sends again what matters.
 */
export class TransportStream {
  readonly #options: TransportStreamOptions;
  readonly #queue: raft_serverpb.RaftMessage[] = [];
  #queuedBytes = 0;
  #state: 'idle' | 'connecting' | 'open' | 'blocked' | 'waiting' | 'closed' = 'idle';
  /** Failures in a row; a stream that stood for a while ends the row. */
  #failures = 0;
  #openedAtMs: number | undefined;
  #isUnknownStore = false;
  #isFlushDue = false;
  #client: Client | undefined;
  #call: ClientWritableStream<flotillapb.RaftMessageBatch> | undefined;
  #reconnect: TimerHandle | undefined;
  readonly #closing = new AbortController();

  constructor(options: TransportStreamOptions) {
    this.#options = options;
  }

  /** Messages that wait. */
  get queued(): number {
    return this.#queue.length;
  }

  /** Queues a message; never blocks and never throws. */
  send(message: raft_serverpb.RaftMessage): QueueOutcome {
    const { config } = this.#options;
    if (this.#state === 'closed') return 'closed';
    // A store that was just lost takes nothing until it is tried again, so that raft learns that its messages do not arrive.
    if (this.#state === 'waiting') return this.#isUnknownStore ? 'unknownStore' : 'full';
    const bytes = entryBytes(message);
    const isFull =
      this.#queue.length >= config.maxQueuedMessages ||
      (this.#queue.length > 0 && this.#queuedBytes + bytes > config.maxQueuedBytes);
    if (isFull) return 'full';
    this.#queue.push(message);
    this.#queuedBytes += bytes;
    if (this.#state === 'idle') void this.#connect();
    else if (this.#state === 'open') this.#scheduleFlush();
    return 'accepted';
  }

  /** Drops what waits and ends the connection. */
  close(): void {
    if (this.#state === 'closed') return;
    this.#state = 'closed';
    this.#dropQueue();
    this.#reconnect?.cancel();
    this.#closing.abort(new Error('the transport was closed'));
    this.#disconnect();
  }

  async #connect(): Promise<void> {
    this.#state = 'connecting';
    const address = await this.#resolveAddress();
    if (this.#state !== 'connecting') return;
    if (address === undefined) {
      this.#onFailure();
      return;
    }
    const { config, clusterId } = this.#options;
    const { path, requestSerialize, responseDeserialize } = flotillapb.RaftBatches.raftBatch;
    const client = new Client(address, credentials.createInsecure(), peerClientOptions(config));
    this.#client = client;
    const call = client.makeClientStreamRequest(
      path,
      requestSerialize,
      responseDeserialize,
      clusterHeaders(clusterId),
      (error) => {
        if (this.#call !== call) return;
        this.#options.runtime.logger.debug('a raft stream ended', { toStoreId: this.#options.storeId, address, error });
        this.#onFailure();
      },
    );
    this.#call = call;
    // The callback tells of every failure; without a listener the event would end the process.
    call.on('error', () => {});
    call.on('drain', () => {
      if (this.#call !== call || this.#state !== 'blocked') return;
      this.#state = 'open';
      this.#flush();
    });
    this.#openedAtMs = this.#options.runtime.clock.monotonicMs();
    this.#state = 'open';
    this.#flush();
  }

  async #resolveAddress(): Promise<string | undefined> {
    const { runtime, config, storeId, resolve } = this.#options;
    const deadline = new AbortController();
    const timer = runtime.timers.after(config.resolveTimeoutMs, () =>
      deadline.abort(new Error('resolving took too long')),
    );
    const signal = AbortSignal.any([deadline.signal, this.#closing.signal]);
    try {
      const address = await resolve(storeId, signal);
      this.#isUnknownStore = address === undefined;
      return address;
    } catch (error) {
      this.#isUnknownStore = false;
      runtime.logger.debug("a store's address could not be found", { toStoreId: storeId, error });
      return undefined;
    } finally {
      timer.cancel();
    }
  }

  /** Messages of one turn of the event loop leave together. */
  #scheduleFlush(): void {
    if (this.#isFlushDue) return;
    this.#isFlushDue = true;
    this.#options.runtime.timers.defer(() => {
      this.#isFlushDue = false;
      if (this.#state === 'open') this.#flush();
    });
  }

  #flush(): void {
    const call = this.#call;
    if (call === undefined) return;
    let sent = 0;
    while (sent < this.#queue.length && this.#state === 'open') {
      const end = this.#endOfBatch(sent);
      const messages = this.#queue.slice(sent, end);
      sent = end;
      if (!call.write(flotillapb.RaftMessageBatch.create({ messages }))) this.#state = 'blocked';
    }
    this.#queue.splice(0, sent);
  }

  /** Where the batch ends that begins at `start` of the queue; takes what it holds off the bytes that wait. */
  #endOfBatch(start: number): number {
    let bytes = 0;
    let end = start;
    for (; end < this.#queue.length && end - start < maxBatchMessages; end += 1) {
      const size = entryBytes(this.#queue[end]!);
      if (end > start && bytes + size > maxBatchBytes) break;
      bytes += size;
    }
    this.#queuedBytes -= bytes;
    return end;
  }

  #onFailure(): void {
    const { runtime, config, storeId, onUnreachable } = this.#options;
    this.#disconnect();
    this.#dropQueue();
    const { clock } = runtime;
    if (this.#openedAtMs !== undefined && clock.monotonicMs() - this.#openedAtMs > 2 * config.reconnectMaxMs) {
      this.#failures = 0;
    }
    this.#openedAtMs = undefined;
    const ceiling = Math.min(config.reconnectMaxMs, config.reconnectInitialMs * 2 ** Math.min(this.#failures, 30));
    this.#failures += 1;
    this.#state = 'waiting';
    this.#reconnect = runtime.timers.after(ceiling * (0.5 + runtime.random.fraction() / 2), () => {
      this.#state = 'idle';
    });
    onUnreachable(storeId);
  }

  #disconnect(): void {
    const call = this.#call;
    this.#call = undefined;
    call?.cancel();
    this.#client?.close();
    this.#client = undefined;
  }

  #dropQueue(): void {
    this.#queue.length = 0;
    this.#queuedBytes = 0;
  }
}

function entryBytes({ endKey, message, startKey }: raft_serverpb.RaftMessage): number {
  let bytes = 64 + startKey.length + endKey.length;
  for (const entry of message?.entries ?? []) bytes += entry.data.length + 32;
  return bytes;
}
