import net from 'node:net';
import { createRawClient, type RawClient, type RawClientConfig } from '@flotilla/client';
import { MemoryEngine } from '@flotilla/engine';
import { metapb as meta, type metapb } from '@flotilla/protocol';
import {
  MemorySnapshotDirectory,
  openRaftStore,
  type RaftStore,
  type RegionMachineKind,
  testRaftStoreConfig,
} from '@flotilla/raftstore';
import { createSystemRuntime, silentLogger } from '@flotilla/runtime';
import { MockScheduler } from '@flotilla/scheduler-client';
import { onTestFinished } from 'vitest';
import {
  createAdminService,
  createCommandService,
  createMachineService,
  createRawBatchService,
  createTinyKvService,
  type GrpcServer,
  GrpcTransport,
  resolveServerConfig,
  resolveTransportConfig,
  startGrpcServer,
} from '../src/index.ts';

/** What outlives a store's crash, and what runs now. */
interface RealNode {
  readonly address: string;
  readonly kvEngine: MemoryEngine;
  readonly raftEngine: MemoryEngine;
  readonly snapshotDirectory: MemorySnapshotDirectory;
  storeId: number;
  running: { readonly store: RaftStore; readonly server: GrpcServer; readonly transport: GrpcTransport } | undefined;
}

/** Real stores that talk over real gRPC, with memory for disks; every end of it goes with the test. */
export class RealCluster {
  readonly runtime = createSystemRuntime({ logger: silentLogger, seed: 1 });
  readonly scheduler = new MockScheduler(this.runtime);
  readonly nodes: RealNode[] = [];

  readonly #machines: readonly RegionMachineKind[];

  constructor(machines: readonly RegionMachineKind[] = []) {
    this.#machines = machines;
  }

  static async start(size: number, machines?: readonly RegionMachineKind[]): Promise<RealCluster> {
    const cluster = new RealCluster(machines);
    onTestFinished(async () => {
      await Promise.all(cluster.nodes.map((node) => cluster.crash(node)));
    });
    for (let index = 0; index < size; index += 1) {
      const node: RealNode = {
        address: `127.0.0.1:${await freePort()}`,
        kvEngine: new MemoryEngine(),
        raftEngine: new MemoryEngine(),
        snapshotDirectory: new MemorySnapshotDirectory(cluster.runtime.clock),
        storeId: 0,
        running: undefined,
      };
      cluster.nodes.push(node);
      await cluster.open(node);
    }
    return cluster;
  }

  async open(node: RealNode): Promise<void> {
    const { runtime, scheduler } = this;
    const schedulerClient = scheduler.createClient();
    const transport = new GrpcTransport({
      clusterId: scheduler.clusterId,
      resolve: async (storeId, signal) => (await schedulerClient.getStore(storeId, signal))?.address,
      config: resolveTransportConfig({ reconnectInitialMs: 10, reconnectMaxMs: 50 }),
      runtime,
    });
    const store = await openRaftStore({
      ...node,
      runtime,
      config: { ...testRaftStoreConfig, tickIntervalMs: 20 },
      transport,
      schedulerClient,
      storeAddress: node.address,
      taskWorkers: 'inline',
      machines: this.#machines,
    });
    node.storeId = store.storeId;
    const config = resolveServerConfig();
    const describe = () => meta.Store.create({ id: store.storeId, address: node.address });
    const services = [
      createTinyKvService({ store, config, runtime }),
      createRawBatchService({ store, config, runtime }),
      createMachineService({ store, config, runtime }),
      createCommandService({ store, config, runtime }),
      createAdminService({ store, describe, startTimeMs: 1, version: 'test', config, runtime }),
    ];
    const server = await startGrpcServer({ services, listen: node.address, config, runtime });
    node.running = { store, server, transport };
  }

  /** Ends a store without any farewell to the others. */
  async crash(node: RealNode): Promise<void> {
    const { running } = node;
    if (running === undefined) return;
    node.running = undefined;
    running.transport.close();
    await running.store.close();
    await running.server.close();
  }

  client(config: Partial<RawClientConfig> = {}): RawClient {
    const client = createRawClient({ schedulerClient: this.scheduler.createClient(), runtime: this.runtime, config });
    onTestFinished(() => client.close());
    return client;
  }

  /** Gives the first region a peer on every store and waits until all have caught up. */
  async replicate(): Promise<void> {
    const first = await this.#until(() => this.scheduler.regions()[0]);
    const { id } = first.region;
    for (const { storeId } of this.nodes) {
      if (first.region.peers.some((peer) => peer.storeId === storeId)) continue;
      const peer = meta.Peer.create({ id: this.scheduler.allocId(), storeId });
      this.scheduler.addPeer(id, peer);
      await this.#until(() => this.scheduler.isSettled(id) || undefined);
    }
    await this.#until(() => this.scheduler.regions()[0]?.pendingPeers.length === 0 || undefined);
  }

  /** The node that leads the region of `key` as the scheduler knows it. */
  leaderNode(key: Uint8Array): RealNode {
    const region: metapb.Region = this.scheduler.mustRegion(key);
    const { storeId } = this.scheduler.mustLeader(region.id);
    return this.nodes.find((node) => node.storeId === storeId) as RealNode;
  }

  async #until<T>(find: () => T | undefined): Promise<T> {
    while (true) {
      const found = find();
      if (found !== undefined) return found;
      await this.runtime.timers.sleep(5);
    }
  }
}

async function freePort(): Promise<number> {
  const probe = net.createServer();
  await new Promise<void>((resolve) => probe.listen(0, '127.0.0.1', resolve));
  const { port } = probe.address() as net.AddressInfo;
  await new Promise((resolve) => probe.close(resolve));
  return port;
}
