import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findFreePorts } from './free-ports.ts';
import { type ProcessEnd, ProcessUnderTest } from './process-under-test.ts';
import { programs } from './programs.ts';
import { HopelessError, waitUntil } from './wait-until.ts';

/** What `status --json` shows, as far as tests look at it. */
export interface ClusterStatus {
  readonly clusterId: number;
  readonly stores: readonly { readonly id: number; readonly address: string; readonly answers: boolean }[];
  readonly regions: readonly {
    readonly id: number;
    readonly leaderStoreId: number | null;
    readonly peers: readonly {
      readonly storeId: number;
      readonly isLeader: boolean;
      readonly term: number | null;
      readonly appliedIndex: number | null;
      readonly commitIndex: number | null;
    }[];
  }[];
}

interface NodePlan {
  readonly dataDir: string;
  readonly listen: string;
  readonly http: string;
}

/** A scheduler and storage nodes as processes of their own, with directories and ports of their own. */
export class TestCluster {
  readonly directory: string;
  readonly schedulerAddress: string;
  readonly plans: readonly NodePlan[];
  readonly nodes: (ProcessUnderTest | undefined)[] = [];
  readonly #schedulerHttp: string;
  #scheduler: ProcessUnderTest | undefined;

  private constructor(directory: string, ports: readonly number[], nodes: number) {
    const address = (position: number): string => `127.0.0.1:${ports[position]}`;
    this.directory = directory;
    this.schedulerAddress = address(0);
    this.#schedulerHttp = address(1);
    this.plans = Array.from({ length: nodes }, (_, node) => ({
      dataDir: join(directory, `node-${node + 1}`),
      listen: address(2 + 2 * node),
      http: address(3 + 2 * node),
    }));
  }

  /** Starts everything and waits until every region has its replicas and a leader. */
  static async start(nodes = 3): Promise<TestCluster> {
    const directory = await mkdtemp(join(tmpdir(), 'flotilla-e2e-'));
    const cluster = new TestCluster(directory, await findFreePorts(2 + 2 * nodes), nodes);
    try {
      await cluster.startScheduler();
      for (let node = 0; node < nodes; node += 1) cluster.spawnNode(node);
      await Promise.all(cluster.plans.map((_, node) => cluster.awaitReady(node)));
      await waitUntil(`${nodes} replicas of each region`, async () => {
        const { regions } = await cluster.status();
        return (
          regions.length > 0 &&
          regions.every(({ peers, leaderStoreId }) => {
            return (
              leaderStoreId !== null &&
              peers.length === nodes &&
              peers.every(({ appliedIndex }) => (appliedIndex ?? 0) > 0)
            );
          })
        );
      });
      return cluster;
    } catch (error) {
      await cluster.close();
      throw error;
    }
  }

  async startScheduler(): Promise<void> {
    const dataDir = join(this.directory, 'scheduler');
    const options = ['--data-dir', dataDir, '--listen', this.schedulerAddress, '--http', this.#schedulerHttp];
    const scheduler = new ProcessUnderTest('scheduler', [programs.scheduler, ...options]);
    this.#scheduler = scheduler;
    await waitUntil('the scheduler', () => answers(`http://${this.#schedulerHttp}/readyz`, scheduler));
  }

  /** Ends the scheduler as a power cut would. */
  async killScheduler(): Promise<void> {
    await this.#scheduler?.stop('SIGKILL');
  }

  /** Starts the process of a node, without waiting for it. */
  spawnNode(node: number): ProcessUnderTest {
    const plan = this.plans[node]!;
    const child = new ProcessUnderTest(`node-${node + 1}`, [programs.node, ...this.optionsOf(plan)]);
    this.nodes[node] = child;
    return child;
  }

  /** The options that a node is started with. */
  optionsOf(plan: NodePlan): string[] {
    return [
      ...['--data-dir', plan.dataDir, '--listen', plan.listen, '--http', plan.http],
      ...['--scheduler', this.schedulerAddress, '--log-format', 'json'],
      ...['--region-heartbeat-interval-ms', '300', '--store-heartbeat-interval-ms', '300'],
    ];
  }

  async awaitReady(node: number): Promise<void> {
    const child = this.nodes[node]!;
    await waitUntil(`${child.name} to be ready`, () => answers(`http://${this.plans[node]!.http}/readyz`, child));
  }

  /** Ends a node as a power cut would, and waits until the process is gone. */
  async killNode(node: number): Promise<void> {
    await this.nodes[node]?.stop('SIGKILL');
  }

  /** Runs one command line of `flotilla` to its end. */
  run(args: readonly string[], input?: string | Uint8Array): Promise<ProcessEnd> {
    return this.spawn(args, input).ended;
  }

  /** Starts one command line of `flotilla`. */
  spawn(args: readonly string[], input?: string | Uint8Array): ProcessUnderTest {
    return new ProcessUnderTest(
      `flotilla ${args[0]}`,
      [programs.flotilla, '--scheduler', this.schedulerAddress, ...args],
      input,
    );
  }

  async status(): Promise<ClusterStatus> {
    const { code, output, errors } = await this.run(['status', '--json', '--timeout-ms', '3000']);
    if (code !== 0) throw new Error(`status exited with ${code}: ${errors}`);
    return JSON.parse(output.toString()) as ClusterStatus;
  }

  /** The node that leads the first region, as soon as one that runs does. */
  findLeader(): Promise<number> {
    return waitUntil('a leader', async () => {
      const { stores, regions } = await this.status();
      const leader = stores.find(({ id, answers }) => answers && id === regions[0]?.leaderStoreId);
      const node = this.plans.findIndex(({ listen }) => listen === leader?.address);
      return node >= 0 && this.nodes[node]?.hasEnded === false ? node : undefined;
    });
  }

  /** Ends every process, by its id, and removes the directories. */
  async close(): Promise<void> {
    const children = [...this.nodes, this.#scheduler];
    await Promise.all(children.map((child) => child?.stop('SIGKILL')));
    await rm(this.directory, { recursive: true, force: true });
  }
}

async function answers(url: string, child: ProcessUnderTest): Promise<boolean> {
  if (child.hasEnded) throw new HopelessError(`${child.name} has ended:\n${child.output}${child.errors}`);
  const response = await fetch(url, { signal: AbortSignal.timeout(2_000) });
  await response.arrayBuffer();
  return response.ok;
}
