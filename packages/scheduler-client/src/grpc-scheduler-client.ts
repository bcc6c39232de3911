import { type MethodDefinition, type metapb, schedulerpb } from '@flotilla/protocol';
import type { Runtime } from '@flotilla/runtime';
import { type Observable, Subject } from 'rxjs';
import { type GrpcSchedulerClientConfig, resolveGrpcSchedulerClientConfig } from './grpc-client-config.ts';
import { type HeartbeatCounts, HeartbeatStream } from './heartbeat-stream.ts';
import { learnClusterId } from './learn-cluster-id.ts';
import { compareKeys } from './region-tree.ts';
import type { BootstrapOutcome, RegionWithLeader, SchedulerClient } from './scheduler-client.ts';
import { SchedulerConnection } from './scheduler-connection.ts';
import { isSchedulerError, SchedulerError } from './scheduler-error.ts';
import { checkSplitCount } from './split-exchange.ts';

/** What a gRPC client needs. */
export interface GrpcSchedulerClientOptions {
  /** Schedulers of one cluster, each `host:port`; one is used until it cannot be reached. */
  readonly endpoints: readonly string[];
  readonly runtime: Runtime;
  readonly config?: Partial<GrpcSchedulerClientConfig>;
  /** Gives up connecting. */
  readonly signal?: AbortSignal;
}

/** A request without its header, which the client adds. */
type Body<Request> = Partial<Omit<Request, 'header'>>;

/** Regions in one answer to a scan; longer scans take several calls. */
const regionsPerPage = 1024;

/**
 * A client to schedulers over gRPC. Each attempt has a deadline; calls that may be repeated without harm are repeated,
 * with growing pauses, while no scheduler can be reached. A bootstrap is not repeated before its outcome is looked up.
 */
export class GrpcSchedulerClient implements SchedulerClient {
  readonly clusterId: number;
  readonly #connection: SchedulerConnection;
  readonly #heartbeats: HeartbeatStream;
  readonly #responses = new Subject<schedulerpb.RegionHeartbeatResponse>();
  readonly #maxAttempts: number;

  private constructor(
    connection: SchedulerConnection,
    runtime: Runtime,
    config: GrpcSchedulerClientConfig,
    clusterId: number,
  ) {
    this.clusterId = clusterId;
    this.#connection = connection;
    this.#maxAttempts = config.maxAttempts;
    this.#heartbeats = new HeartbeatStream(connection, runtime, config, (answer) => this.#responses.next(answer));
  }

  /**
   * Reaches a scheduler and learns which cluster it serves; goes on trying for `connectTimeoutMs`.
   *
   * @throws {SchedulerError} with code `unavailable`, `cancelled`, or `invalidArgument` for an endpoint that is none.
   * @throws {GrpcSchedulerClientConfigError} when the configuration cannot be used.
   */
  static async connect(options: GrpcSchedulerClientOptions): Promise<GrpcSchedulerClient> {
    const { endpoints, runtime, signal } = options;
    const config = resolveGrpcSchedulerClientConfig(options.config);
    const connection = new SchedulerConnection(endpoints, runtime, config);
    try {
      const clusterId = await learnClusterId(connection, runtime, config, signal);
      return new GrpcSchedulerClient(connection, runtime, config, clusterId);
    } catch (error) {
      connection.close();
      throw error;
    }
  }

  /**
   * A client of a cluster that is known already; it reaches no scheduler before it is used, and refuses those of any other
   * cluster.
   *
   * @throws {SchedulerError} with code `invalidArgument` for an endpoint that is none.
   */
  static resume(options: GrpcSchedulerClientOptions, clusterId: number): GrpcSchedulerClient {
    const { endpoints, runtime } = options;
    const config = resolveGrpcSchedulerClientConfig(options.config);
    return new GrpcSchedulerClient(new SchedulerConnection(endpoints, runtime, config), runtime, config, clusterId);
  }

  get regionHeartbeatResponses(): Observable<schedulerpb.RegionHeartbeatResponse> {
    return this.#responses;
  }

  /** Heartbeats sent and lost so far. */
  get heartbeatCounts(): HeartbeatCounts {
    return this.#heartbeats.counts;
  }

  /**
   * Asks for the bootstrap. When an attempt's outcome is unknown, it is looked up: the cluster is ours if its first region
   * has our region's id, which no other store was given.
   */
  async bootstrap(store: metapb.Store, region: metapb.Region, signal?: AbortSignal): Promise<BootstrapOutcome> {
    for (let failures = 0; ; ) {
      if (failures > 0 && (await this.isBootstrapped(signal))) return this.#whoseCluster(region, signal);
      try {
        await this.#connection.call(schedulerpb.Scheduler.bootstrap, this.#bootstrapRequest(store, region), {
          signal,
          clusterId: this.clusterId,
          waitForReady: failures > 0,
        });
        return 'bootstrapped';
      } catch (error) {
        if (isSchedulerError(error, 'alreadyBootstrapped')) {
          return failures === 0 ? 'alreadyBootstrapped' : this.#whoseCluster(region, signal);
        }
        failures += 1;
        if (!isSchedulerError(error, 'unavailable') || failures >= this.#maxAttempts) throw error;
        await this.#connection.pause(failures, signal);
      }
    }
  }

  async isBootstrapped(signal?: AbortSignal): Promise<boolean> {
    return (await this.#ask(schedulerpb.Scheduler.isBootstrapped, {}, signal)).bootstrapped;
  }

  async allocId(signal?: AbortSignal): Promise<number> {
    return (await this.#ask(schedulerpb.Scheduler.allocID, {}, signal)).id;
  }

  async putStore(store: metapb.Store, signal?: AbortSignal): Promise<void> {
    await this.#ask(schedulerpb.Scheduler.putStore, { store }, signal);
  }

  async getStore(storeId: number, signal?: AbortSignal): Promise<metapb.Store | undefined> {
    return (await this.#ask(schedulerpb.Scheduler.getStore, { storeId }, signal)).store;
  }

  async getAllStores(signal?: AbortSignal): Promise<readonly metapb.Store[]> {
    const request = { excludeTombstoneStores: false };
    return (await this.#ask(schedulerpb.Scheduler.getAllStores, request, signal)).stores;
  }

  async getRegion(key: Uint8Array, signal?: AbortSignal): Promise<RegionWithLeader | undefined> {
    return toRegion(await this.#ask(schedulerpb.Scheduler.getRegion, { regionKey: key }, signal));
  }

  async getRegionById(regionId: number, signal?: AbortSignal): Promise<RegionWithLeader | undefined> {
    return toRegion(await this.#ask(schedulerpb.Scheduler.getRegionByID, { regionId }, signal));
  }

  async scanRegions(
    startKey: Uint8Array,
    endKey: Uint8Array,
    limit: number,
    signal?: AbortSignal,
  ): Promise<readonly RegionWithLeader[]> {
    const found: RegionWithLeader[] = [];
    for (let nextKey = startKey; found.length < limit; ) {
      const pageLimit = Math.min(limit - found.length, regionsPerPage);
      const request = { startKey: nextKey, endKey, limit: pageLimit };
      const { regions, leaders } = await this.#ask(schedulerpb.Scheduler.scanRegions, request, signal);
      regions.forEach((region, position) => {
        found.push({ region, leader: knownPeer(leaders[position]) });
      });
      const last = regions.at(-1);
      if (last === undefined || regions.length < pageLimit || last.endKey.length === 0) break;
      if (endKey.length > 0 && compareKeys(last.endKey, endKey) >= 0) break;
      nextKey = last.endKey;
    }
    return found;
  }

  async askSplit(region: metapb.Region, count: number, signal?: AbortSignal): Promise<schedulerpb.AskSplitResponse> {
    const request = { region, splitCount: checkSplitCount(count) };
    const answer = await this.#ask(schedulerpb.Scheduler.askSplit, request, signal);
    if (answer.ids.length === count) return answer;
    if (count === 1 && answer.ids.length === 0) {
      // A scheduler that does not know the field `ids` hands out ids for one region in the old ones.
      return { ...answer, ids: [{ newRegionId: answer.newRegionId, newPeerIds: answer.newPeerIds }] };
    }
    throw new SchedulerError('unknown', `askSplit: ids for ${answer.ids.length} regions instead of ${count}`);
  }

  async reportSplit(regions: readonly metapb.Region[], signal?: AbortSignal): Promise<void> {
    const request = { left: regions[0], right: regions.at(-1), regions: regions.length > 2 ? regions : [] };
    await this.#ask(schedulerpb.Scheduler.reportSplit, request, signal);
  }

  async storeHeartbeat(stats: schedulerpb.StoreStats, signal?: AbortSignal): Promise<void> {
    await this.#ask(schedulerpb.Scheduler.storeHeartbeat, { stats }, signal);
  }

  regionHeartbeat(heartbeat: schedulerpb.RegionHeartbeatRequest): void {
    this.#heartbeats.send({ ...heartbeat, header: { clusterId: this.clusterId } });
  }

  async close(): Promise<void> {
    if (this.#connection.isClosed) return;
    this.#heartbeats.close();
    this.#connection.close();
    this.#responses.complete();
  }

  #ask<Request, Response extends { readonly header: schedulerpb.ResponseHeader | undefined }>(
    method: MethodDefinition<Request, Response>,
    body: Body<Request>,
    signal: AbortSignal | undefined,
  ): Promise<Response> {
    const request = { header: { clusterId: this.clusterId }, ...body } as Request;
    return this.#connection.callRepeatedly(method, request, { signal, clusterId: this.clusterId });
  }

  #bootstrapRequest(store: metapb.Store, region: metapb.Region): schedulerpb.BootstrapRequest {
    return schedulerpb.BootstrapRequest.create({ header: { clusterId: this.clusterId }, store, region });
  }

  async #whoseCluster(region: metapb.Region, signal: AbortSignal | undefined): Promise<BootstrapOutcome> {
    return (await this.getRegionById(region.id, signal)) === undefined ? 'alreadyBootstrapped' : 'bootstrapped';
  }
}

function toRegion(answer: schedulerpb.GetRegionResponse): RegionWithLeader | undefined {
  return answer.region === undefined ? undefined : { region: answer.region, leader: knownPeer(answer.leader) };
}

/** A repeated field cannot hold nothing, so that an unknown leader in a scan is a peer without an id. */
function knownPeer(peer: metapb.Peer | undefined): metapb.Peer | undefined {
  return peer === undefined || peer.id === 0 ? undefined : peer;
}
