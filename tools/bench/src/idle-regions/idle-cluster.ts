import { MemoryEngine, putApplyState, putRegionState, putStoreIdent, RaftLogStore } from '@flotilla/engine';
import { metapb, raft_cmdpb, raft_serverpb } from '@flotilla/protocol';
import {
  MemorySnapshotDirectory,
  openRaftStore,
  type RaftStore,
  type RaftStoreConfig,
  type Transport,
} from '@flotilla/raftstore';
import { createSystemRuntime, silentLogger } from '@flotilla/runtime';
import { QuietScheduler } from './quiet-scheduler.ts';

const storeIds: readonly number[] = [1, 2, 3];
/** Where the log of a region begins that did not come through raft. */
const origin = { index: 5, term: 5 };

/** Three stores in this process, each with a replica of every region; messages cross in their encoded form. */
export class IdleCluster {
  readonly scheduler = new QuietScheduler();
  readonly regions: readonly metapb.Region[];
  readonly #runtime = createSystemRuntime({ logger: silentLogger });
  readonly #stores = new Map<number, RaftStore>();

  constructor(count: number) {
    this.regions = Array.from({ length: count }, (_, number) => regionOf(number, count));
  }

  get stores(): readonly RaftStore[] {
    return [...this.#stores.values()];
  }

  /** Regions that have a leader. */
  get led(): number {
    return this.stores.reduce((sum, store) => sum + store.metrics().leaders, 0);
  }

  async open(config: Partial<RaftStoreConfig>): Promise<void> {
    for (const storeId of storeIds) {
      const [kvEngine, raftEngine] = [new MemoryEngine(), new MemoryEngine()];
      await this.#write(storeId, kvEngine, raftEngine);
      const store = await openRaftStore({
        runtime: this.#runtime,
        config,
        kvEngine,
        raftEngine,
        transport: this.#transport(),
        schedulerClient: this.scheduler.createClient(),
        storeAddress: `127.0.0.1:${storeId}`,
        snapshotDirectory: new MemorySnapshotDirectory(this.#runtime.clock),
        taskWorkers: 'inline',
      });
      this.#stores.set(storeId, store);
    }
  }

  /** Puts a key of a region through its leader; the milliseconds that it took. */
  async put(region: metapb.Region): Promise<number> {
    const status = this.stores.map((store) => store.status().find((one) => one.region?.id === region.id));
    const position = status.findIndex((one) => one?.leader !== undefined && one.leader.id === one.peer?.id);
    const store = this.stores[position];
    if (store === undefined) throw new Error(`region ${region.id} has no leader`);
    const startedAtMs = performance.now();
    const put = {
      cf: 'default',
      key: region.startKey.length > 0 ? region.startKey : Buffer.from('0'),
      value: Buffer.alloc(64),
    };
    const { response } = await store.execute(
      raft_cmdpb.RaftCmdRequest.create({
        header: raft_cmdpb.RaftRequestHeader.create({ regionId: region.id, regionEpoch: region.regionEpoch }),
        requests: [raft_cmdpb.Request.create({ cmdType: raft_cmdpb.CmdType.Put, put })],
      }),
    );
    if (response.header?.error !== undefined) throw new Error(response.header.error.message);
    return performance.now() - startedAtMs;
  }

  async close(): Promise<void> {
    for (const store of this.stores) await store.close();
  }

  #transport(): Transport {
    return {
      send: (message) => {
        const bytes = raft_serverpb.RaftMessage.encode(message);
        const storeId = message.toPeer?.storeId ?? 0;
        setImmediate(() => this.#stores.get(storeId)?.deliver(raft_serverpb.RaftMessage.decode(bytes)));
        return 'accepted';
      },
      sendSnapshot: () => Promise.reject(new Error('an idle region needs no snapshot')),
    };
  }

  async #write(storeId: number, kvEngine: MemoryEngine, raftEngine: MemoryEngine): Promise<void> {
    const logStore = new RaftLogStore(raftEngine);
    const [kvBatch, raftBatch] = [kvEngine.batch(), raftEngine.batch()];
    putStoreIdent(kvBatch, { clusterId: 1, storeId });
    for (const region of this.regions) {
      putRegionState(kvBatch, region.id, { state: raft_serverpb.PeerState.Normal, region });
      putApplyState(kvBatch, region.id, {
        appliedIndex: origin.index,
        appliedTerm: origin.term,
        durableIndex: origin.index,
        durableTerm: origin.term,
        truncatedState: origin,
      });
      logStore.putState(raftBatch, region.id, {
        hardState: { term: origin.term, vote: 0, commit: origin.index },
        lastIndex: origin.index,
        lastTerm: origin.term,
      });
    }
    await kvEngine.write(kvBatch, { sync: true });
    await raftEngine.write(raftBatch, { sync: true });
  }
}

function regionOf(number: number, count: number): metapb.Region {
  const key = (at: number): Uint8Array =>
    at === 0 || at === count ? new Uint8Array(0) : Buffer.from(String(at).padStart(6, '0'));
  return metapb.Region.create({
    id: 10 + number,
    startKey: key(number),
    endKey: key(number + 1),
    regionEpoch: { confVer: 1, version: 1 },
    peers: storeIds.map((storeId) => metapb.Peer.create({ id: 1_000_000 + number * 3 + storeId, storeId })),
  });
}
