import type { metapb, schedulerpb } from '@flotilla/protocol';
import { assert, type Runtime, unreachable } from '@flotilla/runtime';
import { type Observable, Subject } from 'rxjs';
import { type GrpcSchedulerClientConfig, resolveGrpcSchedulerClientConfig } from '../grpc-client-config.ts';
import type { BootstrapOutcome, RegionWithLeader, SchedulerClient, SchedulerWorkerStats } from '../scheduler-client.ts';
import { refuseIfAborted, SchedulerError } from '../scheduler-error.ts';
import { CallTable } from './call-table.ts';
import { HeartbeatBatches } from './heartbeat-batches.ts';
import type { FromSchedulerThread, PlainSchedulerError } from './message.ts';
import { type SpawnSchedulerThread, spawnSchedulerThread } from './spawn.ts';
import { resolveSchedulerThreadConfig, type SchedulerThreadConfig } from './thread-config.ts';
import { reviveSchedulerError } from './thread-error.ts';
import { lowestLevel } from './thread-logger.ts';
import { ThreadSupervisor } from './thread-supervisor.ts';

/** What a client on a thread needs. */
export interface ThreadSchedulerClientOptions {
  /** Schedulers of one cluster, each `host:port`. */
  readonly endpoints: readonly string[];
  readonly runtime: Runtime;
  readonly config?: Partial<GrpcSchedulerClientConfig>;
  readonly threadConfig?: Partial<SchedulerThreadConfig>;
  /** Gives up connecting. */
  readonly signal?: AbortSignal;
  /** Hears each time that `connectTimeoutMs` passed in vain, and connecting goes on; without it, connecting fails then. */
  readonly onUnreached?: () => void;
  /** Starts the threads; by default worker threads with the compiled entry. */
  readonly spawn?: SpawnSchedulerThread;
}

/** Threads that may fail before the first one is ready. */
const maxStartFailures = 3;

/**
 * A client to schedulers whose gRPC runs on a thread of its own. A thread that throws, ends or hangs is replaced: its
 * calls fail as `unavailable`, its heartbeats are lost as on a broken connection, and what is called meanwhile waits for
 * the next thread.
 */
export class ThreadSchedulerClient implements SchedulerClient {
  readonly #runtime: Runtime;
  readonly #onUnreached: (() => void) | undefined;
  readonly #supervisor: ThreadSupervisor;
  readonly #calls: CallTable;
  readonly #heartbeats: HeartbeatBatches;
  readonly #responses = new Subject<schedulerpb.RegionHeartbeatResponse>();
  #clusterId: number | undefined;
  #opening: { resolve(): void; reject(error: SchedulerError): void } | undefined;
  #closing: Promise<void> | undefined;

  private constructor(options: ThreadSchedulerClientOptions) {
    const { endpoints, runtime, spawn = spawnSchedulerThread } = options;
    const config = resolveGrpcSchedulerClientConfig(options.config);
    const threadConfig = resolveSchedulerThreadConfig(options.threadConfig);
    this.#runtime = runtime;
    this.#onUnreached = options.onUnreached;
    const shared = {
      runtime,
      isReady: () => this.#supervisor.isReady,
      post: (message: Parameters<ThreadSupervisor['post']>[0]) => this.#supervisor.post(message),
    };
    this.#calls = new CallTable({ ...shared, config: threadConfig });
    this.#heartbeats = new HeartbeatBatches({
      ...shared,
      maxQueued: config.maxQueuedHeartbeats,
      maxPerBatch: threadConfig.maxHeartbeatsPerBatch,
    });
    this.#supervisor = new ThreadSupervisor({
      runtime,
      config: threadConfig,
      spawn,
      data: () => ({ endpoints, config, clusterId: this.#clusterId, logLevel: lowestLevel(runtime.logger) }),
      onMessage: (message) => this.#take(message),
      onLost: (cause, failures) => this.#lose(cause, failures),
    });
  }

  /**
   * Starts the thread, which reaches a scheduler and learns which cluster it serves.
   *
   * @throws {SchedulerError} with code `unavailable`, `cancelled`, `invalidArgument` for an endpoint that is none, or
   * `unknown` when no thread starts.
   * @throws {GrpcSchedulerClientConfigError} when a configuration cannot be used.
   */
  static async connect(options: ThreadSchedulerClientOptions): Promise<ThreadSchedulerClient> {
    refuseIfAborted(options.signal, 'connect');
    const client = new ThreadSchedulerClient(options);
    try {
      await client.#open(options.signal);
      return client;
    } catch (error) {
      await client.close();
      throw error;
    }
  }

  get clusterId(): number {
    assert(this.#clusterId !== undefined, 'a client knows its cluster once it is connected');
    return this.#clusterId;
  }

  get regionHeartbeatResponses(): Observable<schedulerpb.RegionHeartbeatResponse> {
    return this.#responses;
  }

  /** Counts of the thread; a task is a call or a batch of region heartbeats. */
  get workerStats(): SchedulerWorkerStats {
    return {
      done: this.#calls.done + this.#heartbeats.taken,
      failed: this.#calls.failed + this.#heartbeats.lost,
      retried: 0,
      replaced: this.#supervisor.replaced,
      pending: this.#calls.pending + this.#heartbeats.waiting,
      isRunning: this.#calls.pending > 0,
    };
  }

  /** Region heartbeats that found the queue full. */
  get droppedHeartbeats(): number {
    return this.#heartbeats.dropped;
  }

  bootstrap(store: metapb.Store, region: metapb.Region, signal?: AbortSignal): Promise<BootstrapOutcome> {
    return this.#calls.make<'bootstrap'>({ type: 'bootstrap', store, region }, signal);
  }

  isBootstrapped(signal?: AbortSignal): Promise<boolean> {
    return this.#calls.make<'isBootstrapped'>({ type: 'isBootstrapped' }, signal);
  }

  allocId(signal?: AbortSignal): Promise<number> {
    return this.#calls.make<'allocId'>({ type: 'allocId' }, signal);
  }

  putStore(store: metapb.Store, signal?: AbortSignal): Promise<void> {
    return this.#calls.make<'putStore'>({ type: 'putStore', store }, signal);
  }

  getStore(storeId: number, signal?: AbortSignal): Promise<metapb.Store | undefined> {
    return this.#calls.make<'getStore'>({ type: 'getStore', storeId }, signal);
  }

  getAllStores(signal?: AbortSignal): Promise<readonly metapb.Store[]> {
    return this.#calls.make<'getAllStores'>({ type: 'getAllStores' }, signal);
  }

  getRegion(key: Uint8Array, signal?: AbortSignal): Promise<RegionWithLeader | undefined> {
    return this.#calls.make<'getRegion'>({ type: 'getRegion', key }, signal);
  }

  getRegionById(regionId: number, signal?: AbortSignal): Promise<RegionWithLeader | undefined> {
    return this.#calls.make<'getRegionById'>({ type: 'getRegionById', regionId }, signal);
  }

  scanRegions(
    startKey: Uint8Array,
    endKey: Uint8Array,
    limit: number,
    signal?: AbortSignal,
  ): Promise<readonly RegionWithLeader[]> {
    return this.#calls.make<'scanRegions'>({ type: 'scanRegions', startKey, endKey, limit }, signal);
  }

  askSplit(region: metapb.Region, count: number, signal?: AbortSignal): Promise<schedulerpb.AskSplitResponse> {
    return this.#calls.make<'askSplit'>({ type: 'askSplit', region, count }, signal);
  }

  reportSplit(regions: readonly metapb.Region[], signal?: AbortSignal): Promise<void> {
    return this.#calls.make<'reportSplit'>({ type: 'reportSplit', regions }, signal);
  }

  storeHeartbeat(stats: schedulerpb.StoreStats, signal?: AbortSignal): Promise<void> {
    return this.#calls.make<'storeHeartbeat'>({ type: 'storeHeartbeat', stats }, signal);
  }

  regionHeartbeat(heartbeat: schedulerpb.RegionHeartbeatRequest): void {
    this.#heartbeats.send(heartbeat);
  }

  close(): Promise<void> {
    this.#closing ??= this.#shutDown();
    return this.#closing;
  }

  async #shutDown(): Promise<void> {
    this.#heartbeats.close();
    this.#calls.close();
    await this.#supervisor.close();
    this.#responses.complete();
  }

  #open(signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      const onAbort = (): void => {
        const cause = signal?.reason;
        this.#opening?.reject(new SchedulerError('cancelled', 'connect was cancelled by the caller', { cause }));
      };
      const end = (): void => {
        this.#opening = undefined;
        signal?.removeEventListener('abort', onAbort);
      };
      this.#opening = {
        resolve: () => {
          end();
          resolve();
        },
        reject: (error) => {
          end();
          reject(error);
        },
      };
      signal?.addEventListener('abort', onAbort, { once: true });
    });
  }

  #take(message: FromSchedulerThread): void {
    switch (message.type) {
      case 'ready':
        this.#becomeReady(message.clusterId);
        return;
      case 'unreached':
        this.#stayUnreached(message.error);
        return;
      case 'refused':
        this.#opening?.reject(reviveSchedulerError(message.error));
        return;
      case 'answered':
        this.#calls.answer(message.id, message.answer);
        return;
      case 'failed':
        this.#calls.refuse(message.id, reviveSchedulerError(message.error));
        return;
      case 'taken':
        this.#heartbeats.onTaken();
        return;
      case 'responses':
        for (const response of message.responses) this.#responses.next(response);
        return;
      case 'log':
        this.#runtime.logger[message.level](message.message, message.fields);
        return;
      case 'pong':
      case 'closed':
        return;
      default:
        unreachable(message, 'message from the scheduler thread');
    }
  }

  #becomeReady(clusterId: number): void {
    this.#clusterId = clusterId;
    this.#calls.onReady();
    this.#heartbeats.flush();
    this.#opening?.resolve();
  }

  #stayUnreached(error: PlainSchedulerError): void {
    if (this.#onUnreached === undefined) this.#opening?.reject(reviveSchedulerError(error));
    else this.#onUnreached();
  }

  #lose(cause: unknown, failures: number): void {
    this.#calls.failAll('unavailable', 'the scheduler thread was lost');
    this.#heartbeats.onLost();
    if (failures < maxStartFailures) return;
    this.#opening?.reject(new SchedulerError('unknown', 'the scheduler thread does not start', { cause }));
  }
}
