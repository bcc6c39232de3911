import { flotillapb, type MethodDefinition, schedulerpb } from '@flotilla/protocol';
import type { Runtime } from '@flotilla/runtime';
import { type GrpcSchedulerClientConfig, resolveGrpcSchedulerClientConfig } from './grpc-client-config.ts';
import { learnClusterId } from './learn-cluster-id.ts';
import { SchedulerConnection } from './scheduler-connection.ts';
import { SchedulerError } from './scheduler-error.ts';

/** What a client needs. */
export interface OperatorClientOptions {
  /** Schedulers of one cluster, each `host:port`. */
  readonly endpoints: readonly string[];
  readonly runtime: Runtime;
  readonly config?: Partial<GrpcSchedulerClientConfig>;
  readonly signal?: AbortSignal;
}

/** An order for a region; what its type does not need may be left out. */
export type OrderFields = Partial<flotillapb.RegionOrder> & Pick<flotillapb.RegionOrder, 'type'>;

/** What people see and order of a scheduler, over gRPC. Every call rejects with a `SchedulerError` of a stable `code`. */
export class OperatorClient {
  readonly clusterId: number;
  readonly #connection: SchedulerConnection;

  private constructor(connection: SchedulerConnection, clusterId: number) {
    this.#connection = connection;
    this.clusterId = clusterId;
  }

  /** @throws {SchedulerError} with code `unavailable`, `cancelled`, or `invalidArgument` for an endpoint that is none. */
  static async connect(options: OperatorClientOptions): Promise<OperatorClient> {
    const { endpoints, runtime, signal } = options;
    const config = resolveGrpcSchedulerClientConfig(options.config);
    const connection = new SchedulerConnection(endpoints, runtime, config);
    try {
      return new OperatorClient(connection, await learnClusterId(connection, runtime, config, signal));
    } catch (error) {
      connection.close();
      throw error;
    }
  }

  /**
   * Orders a change of a region. Not repeated: after `unavailable` it may have been taken, as `listOperators` tells.
   *
   * @throws {SchedulerError} with code `impossible` and what is in the way, or `regionNotFound`.
   */
  async order(regionId: number, order: OrderFields, signal?: AbortSignal): Promise<flotillapb.OperatorInfo> {
    const request = flotillapb.OrderOperatorRequest.create({
      header: this.#header,
      regionId,
      order: flotillapb.RegionOrder.create(order),
    });
    const { operator } = await this.#connection.call(flotillapb.Operators.orderOperator, request, {
      signal,
      clusterId: this.clusterId,
    });
    if (operator === undefined) throw new SchedulerError('unknown', 'OrderOperator: the answer names no operator');
    return operator;
  }

  /** An operator that is under way or ended lately; undefined when the scheduler does not know it. */
  async find(operatorId: number, signal?: AbortSignal): Promise<flotillapb.OperatorInfo | undefined> {
    const request = flotillapb.FindOperatorRequest.create({ header: this.#header, operatorId });
    return (await this.#ask(flotillapb.Operators.findOperator, request, signal)).operator;
  }

  /** Ends an operator; what it has done already stays. Undefined when the scheduler does not know it. */
  async cancel(operatorId: number, signal?: AbortSignal): Promise<flotillapb.OperatorInfo | undefined> {
    const request = flotillapb.CancelOperatorRequest.create({ header: this.#header, operatorId });
    return (await this.#ask(flotillapb.Operators.cancelOperator, request, signal)).operator;
  }

  /** Operators that have not ended, then those that ended last. */
  async listOperators(signal?: AbortSignal): Promise<readonly flotillapb.OperatorInfo[]> {
    const request = flotillapb.ListOperatorsRequest.create({ header: this.#header });
    return (await this.#ask(flotillapb.Operators.listOperators, request, signal)).operators;
  }

  /** @throws {SchedulerError} with code `regionNotFound`. */
  async getRegion(regionId: number, signal?: AbortSignal): Promise<flotillapb.RegionInfo> {
    const request = flotillapb.ListRegionsRequest.create({ header: this.#header, regionId });
    const [region] = (await this.#ask(flotillapb.Operators.listRegions, request, signal)).regions;
    if (region === undefined) throw new SchedulerError('regionNotFound', `region ${regionId} is unknown`);
    return region;
  }

  /** The region that holds a key; undefined while none is known. */
  async getRegionAt(key: Uint8Array, signal?: AbortSignal): Promise<flotillapb.RegionInfo | undefined> {
    const request = flotillapb.ListRegionsRequest.create({ header: this.#header, startKey: key, limit: 1 });
    const [found] = (await this.#ask(flotillapb.Operators.listRegions, request, signal)).regions;
    const isAhead = found?.region === undefined || Buffer.compare(found.region.startKey, key) > 0;
    return isAhead ? undefined : found;
  }

  /** Every region in key order. */
  async listRegions(signal?: AbortSignal): Promise<readonly flotillapb.RegionInfo[]> {
    const regions: flotillapb.RegionInfo[] = [];
    for (let startKey = new Uint8Array(0); ; ) {
      const request = flotillapb.ListRegionsRequest.create({ header: this.#header, startKey });
      const page = (await this.#ask(flotillapb.Operators.listRegions, request, signal)).regions;
      regions.push(...page);
      const end = page.at(-1)?.region?.endKey;
      if (end === undefined || end.length === 0) return regions;
      startKey = Uint8Array.from(end);
    }
  }

  /** Every store by rising id. */
  async listStores(signal?: AbortSignal): Promise<readonly flotillapb.StoreInfo[]> {
    const request = flotillapb.ListStoresRequest.create({ header: this.#header });
    return (await this.#ask(flotillapb.Operators.listStores, request, signal)).stores;
  }

  async close(): Promise<void> {
    this.#connection.close();
  }

  get #header(): schedulerpb.RequestHeader {
    return schedulerpb.RequestHeader.create({ clusterId: this.clusterId });
  }

  #ask<Request, Response extends { readonly header: schedulerpb.ResponseHeader | undefined }>(
    method: MethodDefinition<Request, Response>,
    request: Request,
    signal: AbortSignal | undefined,
  ): Promise<Response> {
    return this.#connection.callRepeatedly(method, request, { signal, clusterId: this.clusterId });
  }
}
