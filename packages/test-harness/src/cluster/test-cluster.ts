import { MemoryDisk, MemoryEngine } from '@flotilla/engine';
import type { metapb, raft_cmdpb } from '@flotilla/protocol';
import {
  type CommandResult,
  MemorySnapshotDirectory,
  openRaftStore,
  type RaftStore,
  type RaftStoreConfig,
  type RaftStoreError,
  testRaftStoreConfig,
} from '@flotilla/raftstore';
import {
  assert,
  createMemoryLogger,
  type MemoryLogger,
  type SimulatedRuntime,
  SimulatedWorld,
} from '@flotilla/runtime';
import { MockScheduler } from '@flotilla/scheduler-client';
import { getCommand, headerOf, putCommand } from './command.ts';
import { InProcessNetwork } from './in-process-network.ts';

/** One store of a test cluster: what outlives a crash, and what runs now. */
export interface TestNode {
  readonly name: string;
  readonly kvDisk: MemoryDisk;
  readonly raftDisk: MemoryDisk;
  readonly snapshots: MemorySnapshotDirectory;
  readonly logger: MemoryLogger;
  runtime: SimulatedRuntime;
  kvEngine: MemoryEngine;
  raftEngine: MemoryEngine;
  store: RaftStore | undefined;
  storeId: number;
  fatal: RaftStoreError | undefined;
}

/** How a test cluster is made. */
export interface TestClusterOptions {
  readonly seed?: number;
  readonly config?: Partial<RaftStoreConfig>;
}

/** A cluster of stores in virtual time, over simulated disks and a simulated network: one seed gives one history. */
export class TestCluster {
  readonly world: SimulatedWorld;
  readonly scheduler: MockScheduler;
  readonly network: InProcessNetwork;
  /** The world's own time, which no crash stops. */
  readonly clock: SimulatedRuntime;
  readonly nodes: TestNode[] = [];
  readonly #config: Partial<RaftStoreConfig>;
  #restarts = 0;

  constructor(options: TestClusterOptions = {}) {
    this.world = new SimulatedWorld(options.seed ?? 1);
    const runtime = this.world.createRuntime('world');
    this.clock = runtime;
    this.scheduler = new MockScheduler(runtime);
    this.network = new InProcessNetwork(runtime.timers, this.world.random.fork('network'));
    this.#config = { ...testRaftStoreConfig, ...options.config };
  }

  /** A cluster whose first region has a replica on each of `count` stores. */
  static async start(count: number, options: TestClusterOptions = {}): Promise<TestCluster> {
    const cluster = new TestCluster(options);
    for (let number = 1; number <= count; number += 1) await cluster.addNode();
    for (const node of cluster.nodes.slice(1)) await cluster.addPeer(node);
    return cluster;
  }

  /** The region that a cluster begins with. */
  get region(): metapb.Region {
    return this.scheduler.mustRegion(new Uint8Array(0));
  }

  /** Adds an empty store and opens it. */
  async addNode(): Promise<TestNode> {
    const node = this.createNode();
    await this.open(node);
    return node;
  }

  /** Adds a node whose disks are empty and whose store is not open. */
  createNode(): TestNode {
    const name = `node ${this.nodes.length + 1}`;
    const runtime = this.world.createRuntime(name);
    const kvDisk = new MemoryDisk();
    const raftDisk = new MemoryDisk();
    const node: TestNode = {
      name,
      kvDisk,
      raftDisk,
      snapshots: new MemorySnapshotDirectory(runtime.clock),
      logger: createMemoryLogger(),
      runtime,
      kvEngine: new MemoryEngine(kvDisk),
      raftEngine: new MemoryEngine(raftDisk),
      store: undefined,
      storeId: 0,
      fatal: undefined,
    };
    this.nodes.push(node);
    return node;
  }

  /** Opens the store of a node that is down. */
  async open(node: TestNode): Promise<RaftStore> {
    const store = await this.run(
      openRaftStore({
        runtime: { ...node.runtime, logger: node.logger },
        config: this.#config,
        kvEngine: node.kvEngine,
        raftEngine: node.raftEngine,
        transport: this.network.transportOf(() => node.storeId),
        schedulerClient: this.scheduler.createClient(),
        storeAddress: `${node.name}:1`,
        snapshotDirectory: node.snapshots,
        taskWorkers: 'inline',
        onFatal: (error) => {
          node.fatal = error;
        },
      }),
    );
    node.store = store;
    node.storeId = store.storeId;
    this.network.attach(store);
    return store;
  }

  /** Ends a node as a power cut does: what was not synced is gone. */
  crash(node: TestNode, options: { readonly keepsPageCache?: boolean } = {}): void {
    node.runtime.halt();
    this.network.detach(node.storeId);
    node.store = undefined;
    const keep = options.keepsPageCache === true ? Number.POSITIVE_INFINITY : 0;
    node.kvDisk.crash(keep);
    node.raftDisk.crash(keep);
  }

  /** Starts a node that has crashed. */
  async restart(node: TestNode): Promise<RaftStore> {
    this.#restarts += 1;
    node.runtime = this.world.createRuntime(`${node.name} run ${this.#restarts}`);
    node.kvEngine = new MemoryEngine(node.kvDisk);
    node.raftEngine = new MemoryEngine(node.raftDisk);
    return this.open(node);
  }

  /** Closes a node's store and its engines in good order. */
  async stop(node: TestNode): Promise<void> {
    const { store } = node;
    assert(store !== undefined, 'the node runs');
    this.network.detach(node.storeId);
    await this.run(store.close());
    await node.kvEngine.close();
    await node.raftEngine.close();
    node.runtime.halt();
    node.store = undefined;
  }

  /** Closes every store that runs. */
  async close(): Promise<void> {
    for (const node of this.nodes) if (node.store !== undefined) await this.stop(node);
  }

  /** Runs the world until the promise settles. */
  async run<T>(promise: Promise<T>, limitMs = 60_000): Promise<T> {
    let isSettled = false;
    const settle = (): void => {
      isSettled = true;
    };
    promise.then(settle, settle);
    assert(await this.world.runUntil(() => isSettled, limitMs), 'the promise settled in time', { limitMs });
    return promise;
  }

  /** Runs the world until `predicate` holds. */
  async until(what: string, predicate: () => boolean, limitMs = 60_000): Promise<void> {
    assert(await this.world.runUntil(predicate, limitMs), `not in time: ${what}`, { limitMs, nowMs: this.world.nowMs });
  }

  /** The running node whose peer of the first region leads in the highest term. */
  leader(): TestNode | undefined {
    const terms = this.nodes.flatMap((node) => {
      const status = node.store?.status().find((one) => one.region?.id === this.region.id);
      return status !== undefined && status.leader?.storeId === node.storeId ? [{ node, term: status.term }] : [];
    });
    return terms.sort((a, b) => b.term - a.term)[0]?.node;
  }

  /** Waits until the first region is led, by a node other than `except`. */
  async awaitLeader(except?: TestNode): Promise<TestNode> {
    const found = (): TestNode | undefined => {
      const leader = this.leader();
      return leader === except ? undefined : leader;
    };
    await this.until('a leader', () => found() !== undefined);
    const leader = found();
    assert(leader !== undefined, 'there is a leader');
    return leader;
  }

  /** Has the scheduler add a replica of the first region on `node`, and waits until it has caught up. */
  async addPeer(node: TestNode): Promise<metapb.Peer> {
    const peer = { id: this.scheduler.allocId(), storeId: node.storeId, role: 0 } as const;
    this.scheduler.addPeer(this.region.id, peer);
    await this.until(`peer ${peer.id}`, () => this.scheduler.isSettled(this.region.id));
    await this.until(`peer ${peer.id} knows its region`, () => this.statusOf(node)?.region?.peers.length !== 0);
    return peer;
  }

  statusOf(node: TestNode): ReturnType<RaftStore['status']>[number] | undefined {
    return node.store?.status().find((one) => one.region?.id === this.region.id);
  }

  /** Runs a command on a node as it is, whoever leads. */
  execute(node: TestNode, request: raft_cmdpb.RaftCmdRequest): Promise<CommandResult> {
    assert(node.store !== undefined, 'the node runs', { node: node.name });
    return this.run(node.store.execute(request));
  }

  /** Puts through the leader, again until it is acknowledged. */
  async put(key: string, value: string): Promise<void> {
    await this.retry((node) => putCommand(headerOf(this.regionOn(node)), key, value));
  }

  /** Reads through the leader. */
  async get(key: string): Promise<string | undefined> {
    const { response } = await this.retry((node) => getCommand(headerOf(this.regionOn(node)), key));
    const value = response.responses[0]?.get?.value;
    return value === undefined ? undefined : Buffer.from(value).toString();
  }

  /** Repeats a command, each time on the leader of the moment, until it succeeds. */
  async retry(command: (leader: TestNode) => raft_cmdpb.RaftCmdRequest): Promise<CommandResult> {
    for (let attempt = 0; attempt < 100; attempt += 1) {
      const leader = await this.awaitLeader();
      const store = leader.store;
      assert(store !== undefined, 'a leader runs');
      const outcome = store.execute(command(leader));
      let result: CommandResult | undefined;
      void outcome.then((value) => {
        result = value;
      });
      await this.world.runUntil(() => result !== undefined, 2_000);
      if (result !== undefined && result.response.header?.error === undefined) return result;
      await this.world.advance(50);
    }
    throw new Error('the command never succeeded');
  }

  /** What a node's disk holds under a key, whatever its peer thinks. */
  valueOn(node: TestNode, key: string): string | undefined {
    const value = node.kvEngine.getSync(Buffer.from(`default_${key}`));
    return value === undefined ? undefined : Buffer.from(value).toString();
  }

  regionOn(node: TestNode): metapb.Region {
    return this.statusOf(node)?.region ?? this.region;
  }
}
