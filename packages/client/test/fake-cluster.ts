import { errorpb, flotillapb, kvrpcpb, metapb, tinykvpb } from '@flotilla/protocol';
import { type SchedulerClient, SchedulerError } from '@flotilla/scheduler-client';
import {
  Server,
  ServerCredentials,
  type ServerUnaryCall,
  type sendUnaryData,
  status,
  type UntypedHandleCall,
} from '@grpc/grpc-js';
import { NEVER } from 'rxjs';

/** A region of the fake cluster, with a peer on every store. */
export interface FakeRegion {
  readonly region: metapb.Region;
  /** `undefined` while there is no leader. */
  leaderStoreId: number | undefined;
}

/** What a test has a store do with a request instead of serving it. */
export type Misbehaviour =
  | { readonly type: 'hang' }
  | { readonly type: 'refuse'; readonly error: Partial<errorpb.Error> }
  | { readonly type: 'status'; readonly code: status }
  /** Does what is asked, then breaks the connection instead of answering. */
  | { readonly type: 'actThenCut' }
  | { readonly type: 'actThenUnknown' };

type Write = { readonly key: Uint8Array; readonly value?: Uint8Array };

/** Three real gRPC servers that share one map of data and check regions, leaders and epochs as stores do; without raft. */
export class FakeCluster {
  readonly clusterId = 7;
  readonly data = new Map<string, Uint8Array>();
  regions: FakeRegion[];
  /** Asked before each request of a store; `undefined` lets it be served. */
  misbehave: (storeId: number, call: string) => Misbehaviour | undefined = () => undefined;
  /** Every request that arrived, as `store:call`. */
  readonly arrivals: string[] = [];
  /** Keys that the stores refuse in batches, as invalid. */
  isBadKey: (key: Uint8Array) => boolean = () => false;
  /** The keys of every batch that took effect. */
  readonly batches: string[][] = [];
  /** What the scheduler was asked. */
  readonly lookups: string[] = [];
  isSchedulerDown = false;
  /** Whether the scheduler is there and answers nothing about stores, as a process that stands still. */
  isSchedulerSilent = false;
  readonly #servers = new Map<number, Server>();
  readonly addresses = new Map<number, string>();
  maxScanBytes = 1_000;
  #nextRegionId = 2;

  constructor() {
    const peers = [1, 2, 3].map((storeId) => metapb.Peer.create({ id: 10 + storeId, storeId }));
    const region = metapb.Region.create({ id: 1, regionEpoch: { confVer: 1, version: 1 }, peers });
    this.regions = [{ region, leaderStoreId: 1 }];
  }

  static async start(): Promise<FakeCluster> {
    const cluster = new FakeCluster();
    for (const storeId of [1, 2, 3]) await cluster.startStore(storeId);
    return cluster;
  }

  async startStore(storeId: number): Promise<void> {
    const { TinyKv } = tinykvpb;
    const server = new Server();
    const { rawGet, rawPut, rawDelete, rawScan } = TinyKv;
    const handlers: Record<string, UntypedHandleCall> = {
      rawGet: this.#serve(storeId, 'get', (request: kvrpcpb.RawGetRequest) => {
        const value = this.data.get(hex(request.key));
        return kvrpcpb.RawGetResponse.create(value === undefined ? { notFound: true } : { value });
      }),
      rawPut: this.#serve(storeId, 'put', (request: kvrpcpb.RawPutRequest) => this.#write(request)),
      rawDelete: this.#serve(storeId, 'delete', (request: kvrpcpb.RawDeleteRequest) => this.#write(request)),
      rawScan: this.#serve(storeId, 'scan', (request: kvrpcpb.RawScanRequest) => this.#scan(request)),
    };
    server.addService({ rawGet, rawPut, rawDelete, rawScan }, handlers);
    server.addService(flotillapb.RawBatch, {
      rawBatchWrite: this.#serve(storeId, 'batch', (request: flotillapb.RawBatchWriteRequest) => {
        for (const { op, key, value } of request.writes) {
          this.#write(op === flotillapb.RawWriteOp.Put ? { key, value } : { key });
        }
        this.batches.push(request.writes.map(({ key }) => Buffer.from(key).toString()));
        return flotillapb.RawBatchWriteResponse.create({});
      }),
    });
    server.addService(flotillapb.Admin, {
      storeStatus: (_call: unknown, answer: sendUnaryData<flotillapb.StoreStatusResponse>) => {
        answer(null, flotillapb.StoreStatusResponse.create({ clusterId: 7, store: this.#store(storeId) }));
      },
    });
    const port = await new Promise<number>((resolve, reject) => {
      server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
        error === null ? resolve(bound) : reject(error),
      );
    });
    this.#servers.set(storeId, server);
    this.addresses.set(storeId, `127.0.0.1:${port}`);
  }

  /** Kills a store: connections break, and its address refuses new ones. */
  killStore(storeId: number): void {
    this.#servers.get(storeId)?.forceShutdown();
    this.#servers.delete(storeId);
  }

  stop(): void {
    for (const storeId of [...this.#servers.keys()]) this.killStore(storeId);
  }

  moveLeader(regionId: number, storeId: number | undefined): void {
    this.#byId(regionId).leaderStoreId = storeId;
  }

  /** Splits the region that holds `key`, which becomes the first key of the new right part. */
  split(key: Uint8Array): number {
    const parent = this.regions.find(({ region }) => holds(region, key)) as FakeRegion;
    const { id, startKey, endKey, peers } = parent.region;
    const regionEpoch = { confVer: 1, version: (parent.region.regionEpoch?.version ?? 0) + 1 };
    const newId = this.#nextRegionId++;
    const left = { region: { id, startKey, endKey: key, peers, regionEpoch }, leaderStoreId: parent.leaderStoreId };
    const newPeers = peers.map((peer) => ({ ...peer, id: newId * 10 + peer.storeId }));
    const right = {
      region: { id: newId, startKey: key, endKey, peers: newPeers, regionEpoch },
      leaderStoreId: parent.leaderStoreId,
    };
    this.regions.splice(this.regions.indexOf(parent), 1, left, right);
    return newId;
  }

  /** A scheduler that tells the truth of this moment, unless `isSchedulerDown`. */
  schedulerClient(): SchedulerClient {
    const ask = (what: string): void => {
      this.lookups.push(what);
      if (this.isSchedulerDown) throw new SchedulerError('unavailable', 'the scheduler is down');
    };
    const unused = async (): Promise<never> => {
      throw new SchedulerError('unknown', 'not for clients');
    };
    return {
      clusterId: this.clusterId,
      bootstrap: unused,
      isBootstrapped: unused,
      allocId: unused,
      putStore: unused,
      askSplit: unused,
      reportSplit: unused,
      storeHeartbeat: unused,
      regionHeartbeat: () => {},
      regionHeartbeatResponses: NEVER,
      getStore: async (storeId) => {
        ask(`store ${storeId}`);
        if (this.isSchedulerSilent) await new Promise(() => {});
        return this.addresses.has(storeId) ? this.#store(storeId) : undefined;
      },
      getAllStores: async () => {
        ask('stores');
        return [1, 2, 3].map((storeId) => this.#store(storeId));
      },
      getRegion: unused,
      getRegionById: unused,
      scanRegions: async (startKey, _endKey, limit) => {
        ask('regions');
        const first = this.regions.findIndex(({ region }) => holds(region, startKey));
        return this.regions.slice(first, first + limit).map((entry) => ({
          region: entry.region,
          leader: peerOf(entry),
        }));
      },
      close: async () => {},
    };
  }

  #store(id: number): metapb.Store {
    return { id, address: this.addresses.get(id) ?? '', state: metapb.StoreState.Up };
  }

  #byId(regionId: number): FakeRegion {
    return this.regions.find(({ region }) => region.id === regionId) as FakeRegion;
  }

  #serve<Request extends { readonly context: kvrpcpb.Context | undefined }, Response>(
    storeId: number,
    name: string,
    act: (request: Request) => Response,
  ): UntypedHandleCall {
    return (call: ServerUnaryCall<Request, Response>, answer: sendUnaryData<Response>) => {
      this.arrivals.push(`${storeId}:${name}`);
      const { request } = call;
      const fault = this.misbehave(storeId, name);
      if (fault?.type === 'hang') return;
      if (fault?.type === 'status') {
        answer({ code: fault.code, details: 'as the test wants' });
        return;
      }
      const refusal = fault?.type === 'refuse' ? errorpb.Error.create(fault.error) : this.#check(storeId, request);
      if (refusal !== undefined) {
        answer(null, refusedResponse(name, refusal) as Response);
        return;
      }
      if ((request as { writes?: readonly Write[] }).writes?.some(({ key }) => this.isBadKey(key)) === true) {
        answer({ code: status.INVALID_ARGUMENT, details: 'a bad key' });
        return;
      }
      const response = act(request);
      if (fault?.type === 'actThenCut') this.killStore(storeId);
      else if (fault?.type === 'actThenUnknown') {
        const unknown = errorpb.Error.create({ outcomeUnknown: { reason: 'the store closed' } });
        answer(null, refusedResponse(name, unknown) as Response);
      } else answer(null, response);
    };
  }

  #check(storeId: number, request: object): errorpb.Error | undefined {
    const { context, ...rest } = request as {
      context?: kvrpcpb.Context;
      key?: Uint8Array;
      startKey?: Uint8Array;
      writes?: readonly flotillapb.RawWrite[];
    };
    const actual = { requestStoreId: context?.peer?.storeId ?? 0, actualStoreId: storeId };
    if (actual.requestStoreId !== storeId) return errorpb.Error.create({ storeNotMatch: actual });
    const regionId = context?.regionId ?? 0;
    const entry = this.regions.find(({ region }) => region.id === regionId);
    if (entry === undefined) return errorpb.Error.create({ regionNotFound: { regionId } });
    if (entry.leaderStoreId !== storeId && context?.replicaRead !== true) {
      return errorpb.Error.create({ notLeader: { regionId, leader: peerOf(entry) } });
    }
    if (context?.regionEpoch?.version !== entry.region.regionEpoch?.version) {
      const currentRegions = this.regions.map(({ region }) => region).filter(({ id }) => id >= regionId);
      return errorpb.Error.create({ epochNotMatch: { currentRegions } });
    }
    const keys = rest.writes?.map(({ key }) => key) ?? [rest.key ?? rest.startKey ?? new Uint8Array()];
    const key = keys.find((one) => !holds(entry.region, one));
    if (key === undefined) return undefined;
    const { startKey, endKey } = entry.region;
    return errorpb.Error.create({ keyNotInRegion: { key, regionId, startKey, endKey } });
  }

  #write({ key, value }: Write): kvrpcpb.RawPutResponse {
    if (value === undefined) this.data.delete(hex(key));
    else this.data.set(hex(key), value);
    return kvrpcpb.RawPutResponse.create({});
  }

  #scan(request: kvrpcpb.RawScanRequest): kvrpcpb.RawScanResponse {
    const { region } = this.#byId(request.context?.regionId ?? 0);
    const kvs: kvrpcpb.KvPair[] = [];
    let bytes = 0;
    for (const name of [...this.data.keys()].sort()) {
      const key = Buffer.from(name, 'hex');
      if (Buffer.compare(key, request.startKey) < 0 || !holds(region, key)) continue;
      if (kvs.length >= request.limit || bytes >= this.maxScanBytes) break;
      const value = this.data.get(name) as Uint8Array;
      kvs.push(kvrpcpb.KvPair.create({ key, value }));
      bytes += key.length + value.length;
    }
    return kvrpcpb.RawScanResponse.create({ kvs });
  }
}

function peerOf({ region, leaderStoreId }: FakeRegion): metapb.Peer | undefined {
  return region.peers.find(({ storeId }) => storeId === leaderStoreId);
}

function holds(region: metapb.Region, key: Uint8Array): boolean {
  const isBeforeEnd = region.endKey.length === 0 || Buffer.compare(key, region.endKey) < 0;
  return Buffer.compare(key, region.startKey) >= 0 && isBeforeEnd;
}

function refusedResponse(name: string, regionError: errorpb.Error): object {
  if (name === 'get') return kvrpcpb.RawGetResponse.create({ regionError });
  if (name === 'batch') return flotillapb.RawBatchWriteResponse.create({ regionError });
  return name === 'scan'
    ? kvrpcpb.RawScanResponse.create({ regionError })
    : kvrpcpb.RawPutResponse.create({ regionError });
}

function hex(key: Uint8Array): string {
  return Buffer.from(key).toString('hex');
}
