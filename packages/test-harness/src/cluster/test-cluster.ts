import { createMachineClient, type MachineClient, type RawClientConfig } from '@flotilla/client';
import { checkDatabaseMark, MemoryDisk, MemoryEngine } from '@flotilla/engine';
import type { metapb, raft_cmdpb } from '@flotilla/protocol';
import {
  type CommandResult,
  MemorySnapshotDirectory,
  openRaftStore,
  type RaftStore,
  type RaftStoreConfig,
  type RaftStoreError,
  type RegionMachineKind,
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
import { createLocalStore, type LocalStoreCalls } from '@flotilla/server/local-store';
import { CallLedger } from './call-ledger.ts';
import { getCommand, headerOf, putCommand } from './command.ts';
import { withClockRate } from './drifting-runtime.ts';
import { InProcessChannels } from './in-process-channels.ts';
import { InProcessNetwork } from './in-process-network.ts';
import { NodeRun } from './node-run.ts';
import { RegionOrders } from './region-orders.ts';
import { SchedulerLink } from './scheduler-link.ts';
import { SimulatedClient } from './simulated-client.ts';
import { type TaskFate, TaskLife } from './task-life.ts';
import { WorldDriver } from './world-driver.ts';

/** One store of a test cluster: what outlives a crash, and what runs now. */
export interface TestNode {
  readonly name: string;
  readonly kvDisk: MemoryDisk;
  readonly raftDisk: MemoryDisk;
  snapshots: MemorySnapshotDirectory;
  readonly logger: MemoryLogger;
  runtime: SimulatedRuntime;
  kvEngine: MemoryEngine;
  raftEngine: MemoryEngine;
  store: RaftStore | undefined;
  /** How clients reach the store that runs. */
  calls: LocalStoreCalls | undefined;
  ledger: CallLedger;
  /** The life of its process that goes on, or was the last. */
  run: NodeRun;
  schedulerLink: SchedulerLink | undefined;
  /** What becomes of an attempt at a task of one of its workers; nothing unless set. */
  taskFate: ((worker: string) => TaskFate | undefined) | undefined;
  storeId: number;
  fatal: RaftStoreError | undefined;
  /** What the store is told of the room on its disk. */
  freeDiskBytes: number;
  /** What this node's configuration has otherwise than the cluster's. */
  config: Partial<RaftStoreConfig>;
  /** How fast its monotonic clock runs; 1 is the world's speed. */
  clockRate: number;
}

/** How a test cluster is made. */
export interface TestClusterOptions {
  readonly seed?: number;
  readonly config?: Partial<RaftStoreConfig>;
  /** How long a sync of the disks takes; nothing unless given, so that no crash comes between a write and its sync. */
  readonly syncMs?: { readonly min: number; readonly max: number } | undefined;
  /** The state machines of the cluster's regions; none unless given. */
  readonly machines?: readonly RegionMachineKind[] | undefined;
  /** Whether databases are marked, and checked for their marks, as a storage node does; not unless given. */
  readonly marksDatabases?: boolean | undefined;
}

/** What a crash leaves beside what was synced; nothing unless given. */
export interface CrashOptions {
  readonly keepsPageCache?: boolean;
  readonly keptShare?: number;
  readonly keepsFileNames?: boolean;
}

const noKey = new Uint8Array(0);

/** A cluster of stores in virtual time, over simulated disks and a simulated network: one seed gives one history. */
export class TestCluster implements AsyncDisposable {
  readonly world: SimulatedWorld;
  readonly scheduler: MockScheduler;
  readonly network: InProcessNetwork;
  /** The world's own time, which no crash stops. */
  readonly clock: SimulatedRuntime;
  readonly nodes: TestNode[] = [];
  /** Orders to regions: members, leaders, splits. */
  readonly orders: RegionOrders;
  readonly #config: Partial<RaftStoreConfig>;
  readonly #syncMs: TestClusterOptions['syncMs'];
  readonly #machines: readonly RegionMachineKind[];
  readonly #marksDatabases: boolean;
  readonly #driver: WorldDriver;
  #restarts = 0;
  #lastNode = 0;

  constructor(options: TestClusterOptions = {}) {
    this.world = new SimulatedWorld(options.seed ?? 1);
    const runtime = this.world.createRuntime('world');
    this.clock = runtime;
    this.scheduler = new MockScheduler(runtime);
    this.network = new InProcessNetwork(runtime.timers, this.world.random.fork('network'));
    this.orders = new RegionOrders(this);
    this.#config = { ...testRaftStoreConfig, ...options.config };
    this.#syncMs = options.syncMs;
    this.#machines = options.machines ?? [];
    this.#marksDatabases = options.marksDatabases === true;
    this.#driver = new WorldDriver(this.world);
  }

  /** A cluster whose first region has a replica on each of `count` stores. */
  static async start(count: number, options: TestClusterOptions = {}): Promise<TestCluster> {
    const cluster = new TestCluster(options);
    await cluster.grow(count);
    return cluster;
  }

  /** Adds `count` stores, each with a replica of the first region, and of every region where there are machines. */
  async grow(count: number): Promise<void> {
    for (let number = 1; number <= count; number += 1) {
      const node = await this.addNode();
      if (this.#machines.length > 0) await this.#awaitMachines();
      if (this.nodes.length === 1) continue;
      const regions =
        this.#machines.length > 0
          ? this.scheduler.scanRegions(noKey, noKey, 1_000).map(({ region }) => region)
          : [this.region];
      for (const { id } of regions) await this.orders.addPeer(id, node);
    }
  }

  /** Waits until the regions of the machines are split off. */
  async #awaitMachines(): Promise<void> {
    const hasRegion = ({ range }: RegionMachineKind): boolean => {
      const region = this.scheduler.getRegion(range.start)?.region;
      if (region === undefined) return false;
      return Buffer.compare(region.startKey, range.start) === 0 && Buffer.compare(region.endKey, range.end) === 0;
    };
    await this.poll('the machines have their regions', () => this.#machines.every(hasRegion));
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
    this.#lastNode += 1;
    const name = `node ${this.#lastNode}`;
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
      calls: undefined,
      ledger: new CallLedger(),
      run: new NodeRun(),
      schedulerLink: undefined,
      taskFate: undefined,
      storeId: 0,
      freeDiskBytes: 2 ** 40,
      fatal: undefined,
      config: {},
      clockRate: 1,
    };
    this.#slowSyncs(node);
    this.nodes.push(node);
    return node;
  }

  /** Opens the store of a node that is down. */
  async open(node: TestNode): Promise<RaftStore> {
    const run = new NodeRun();
    node.run = run;
    for (const disk of [node.kvDisk, node.raftDisk]) disk.watch = () => run.step();
    node.schedulerLink = new SchedulerLink(this.scheduler.createClient(), run);
    const store = await this.run(this.#openStore(node, run, node.schedulerLink));
    node.store = store;
    node.calls = run.calls(createLocalStore(store));
    node.ledger = new CallLedger();
    node.storeId = store.storeId;
    this.network.attach(store);
    return store;
  }

  async #openStore(node: TestNode, run: NodeRun, schedulerClient: SchedulerLink): Promise<RaftStore> {
    if (this.#marksDatabases) {
      const mayBeNew = node.storeId === 0;
      await checkDatabaseMark(node.kvEngine, 'kv', mayBeNew);
      await checkDatabaseMark(node.raftEngine, 'raft', mayBeNew);
    }
    return openRaftStore({
      runtime: { ...withClockRate(node.runtime, () => node.clockRate), logger: node.logger },
      config: { ...this.#config, ...node.config },
      kvEngine: node.kvEngine,
      raftEngine: node.raftEngine,
      transport: run.transport(this.network.transportOf(() => node.storeId)),
      schedulerClient,
      storeAddress: `${node.name}:1`,
      snapshotDirectory: node.snapshots,
      diskSpace: { measure: async () => ({ capacityBytes: 2 ** 40, availableBytes: node.freeDiskBytes }) },
      taskWorkers: 'inline',
      machines: this.#machines,
      createTaskLife: (worker) => new TaskLife(() => node.taskFate?.(worker)),
      onFatal: run.fatal((error) => {
        node.fatal = error;
      }),
    });
  }

  /** A client that finds its way over all regions; its calls settle while the world is run. */
  createClient(name: string, config: ConstructorParameters<typeof SimulatedClient>[0]['config'] = {}): SimulatedClient {
    const runtime = this.world.createRuntime(`client ${name}`);
    const channels = this.#channelsOf(runtime);
    return new SimulatedClient({ runtime, schedulerClient: this.scheduler.createClient(), channels, config });
  }

  /** A client of the machine that a key belongs to; its calls and streams go on while the world is run. */
  createMachineClient(name: string, key: Uint8Array, config: Partial<RawClientConfig> = {}): MachineClient {
    const runtime = this.world.createRuntime(`client ${name}`);
    const channels = this.#channelsOf(runtime);
    const settings = { requestTimeoutMs: 10_000, attemptTimeoutMs: 1_000, retryMaxMs: 100, ...config };
    const schedulerClient = this.scheduler.createClient();
    return createMachineClient({ key, schedulerClient, runtime, channels, config: settings });
  }

  #channelsOf(runtime: SimulatedRuntime): InProcessChannels {
    return new InProcessChannels({
      timers: runtime.timers,
      nowMs: () => this.world.nowMs,
      random: runtime.random.fork('channels'),
      faults: () => this.network.clientFaults,
      arrive: (storeId, arrive) => this.network.arrive(storeId, arrive),
      storeOf: (storeId) => {
        const node = this.nodeOf(storeId);
        return node?.calls === undefined ? undefined : { calls: node.calls, ledger: node.ledger };
      },
    });
  }

  /** The node with a store's id. */
  nodeOf(storeId: number): TestNode | undefined {
    return this.nodes.find((node) => node.storeId === storeId);
  }

  /**
   * Ends a node as a power cut does: what was not synced is gone, or all of it there with `keepsPageCache`, or the first part
   * of it with a fraction as `keptShare`; of un-synced snapshot files the names alone may be left.
   */
  crash(node: TestNode, options: CrashOptions = {}): void {
    node.run.end();
    node.runtime.halt();
    this.#forget(node);
    const share = options.keptShare ?? (options.keepsPageCache === true ? 1 : 0);
    for (const disk of [node.kvDisk, node.raftDisk]) disk.crash(Math.round(disk.unsyncedCount * share));
    const names = options.keepsFileNames === true ? 'names' : 'synced';
    node.snapshots = node.snapshots.crash(options.keepsPageCache === true ? 'everything' : names);
  }

  /** Starts a node that has crashed. */
  async restart(node: TestNode): Promise<RaftStore> {
    this.#restarts += 1;
    node.runtime = this.world.createRuntime(`${node.name} run ${this.#restarts}`);
    node.kvEngine = new MemoryEngine(node.kvDisk);
    node.raftEngine = new MemoryEngine(node.raftDisk);
    return this.open(node);
  }

  /**
   * Has `crash` called at the `effects`-th effect from now of a node's store: before it, or `continuations` promise
   * continuations after that moment. Returns whether it has been called, whenever it is asked.
   */
  strikeAt(node: TestNode, effects: number, continuations: number, crash: () => void): () => boolean {
    const { run } = node;
    let left = effects;
    let hasStruck = false;
    const strike = (hops: number): void => {
      if (run.isOver) return;
      if (hops > 0) {
        queueMicrotask(() => strike(hops - 1));
        return;
      }
      hasStruck = true;
      crash();
    };
    run.onEffect = () => {
      left -= 1;
      if (left > 0) return;
      run.onEffect = undefined;
      strike(continuations);
    };
    return () => hasStruck || run.isOver;
  }

  /** Takes a node out for good, with its disks. Its store is lost to the cluster. */
  lose(node: TestNode): void {
    this.resume(node);
    this.crash(node);
    this.nodes.splice(this.nodes.indexOf(node), 1);
  }

  /** Closes a node's store and its engines in good order. */
  async stop(node: TestNode): Promise<void> {
    const { store } = node;
    assert(store !== undefined, 'the node runs');
    this.network.resume(node.storeId);
    node.runtime.resume();
    this.network.detach(node.storeId);
    await this.run(store.close());
    await node.kvEngine.close();
    await node.raftEngine.close();
    node.run.end();
    node.runtime.halt();
    this.#forget(node);
  }

  /** Stops a node as SIGSTOP does: what falls due or arrives waits for `resume`. */
  pause(node: TestNode): void {
    node.runtime.pause();
    this.network.pause(node.storeId);
  }

  resume(node: TestNode): void {
    node.runtime.resume();
    this.network.resume(node.storeId);
  }

  /** Closes every store that runs. */
  async close(): Promise<void> {
    for (const node of this.nodes) if (node.store !== undefined) await this.stop(node);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** Runs the world until the promise settles. Any number of callers may do so at once. */
  run<T>(promise: Promise<T>, limitMs = 60_000): Promise<T> {
    return this.#driver.run(promise, limitMs);
  }

  /** Lets virtual time pass; other callers may do so at once. */
  sleep(ms: number): Promise<void> {
    return this.run(this.clock.timers.sleep(ms), ms + 1);
  }

  /** Waits until `predicate` holds, looking every `everyMs`, for what is too dear to ask after each event. */
  async poll(what: string, predicate: () => boolean, limitMs = 60_000, everyMs = 10): Promise<void> {
    const endMs = this.world.nowMs + limitMs;
    while (!predicate()) {
      assert(this.world.nowMs < endMs, `not in time: ${what}`, { limitMs, nowMs: this.world.nowMs });
      await this.sleep(everyMs);
    }
  }

  /** Runs the world until `predicate` holds, asking after each event. */
  async until(what: string, predicate: () => boolean, limitMs = 60_000): Promise<void> {
    assert(await this.#driver.until(predicate, limitMs), `not in time: ${what}`, { limitMs, nowMs: this.world.nowMs });
  }

  /** The running node whose peer of a region, the first unless given, leads in the highest term. */
  leader(regionId: number = this.region.id): TestNode | undefined {
    const terms = this.nodes.flatMap((node) => {
      const status = node.store?.status().find((one) => one.region?.id === regionId);
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
  addPeer(node: TestNode): Promise<metapb.Peer> {
    return this.orders.addPeer(this.region.id, node);
  }

  /** What a node's peer of a region, the first unless given, tells of itself. */
  statusOf(node: TestNode, regionId: number = this.region.id): ReturnType<RaftStore['status']>[number] | undefined {
    return node.store?.status().find((one) => one.region?.id === regionId);
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
      await this.#driver.until(() => result !== undefined, 2_000);
      if (result !== undefined && result.response.header?.error === undefined) return result;
      await this.sleep(50);
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

  #forget(node: TestNode): void {
    this.network.detach(node.storeId);
    node.store = undefined;
    node.calls = undefined;
    node.ledger.end();
  }

  #slowSyncs(node: TestNode): void {
    if (this.#syncMs === undefined) return;
    const { min, max } = this.#syncMs;
    const random = this.world.random.fork(`${node.name} disk`);
    const sync = async (): Promise<undefined> => {
      await node.runtime.timers.sleep(min + random.fraction() * (max - min));
      return undefined;
    };
    node.kvDisk.faults = { sync };
    node.raftDisk.faults = { sync };
  }
}
