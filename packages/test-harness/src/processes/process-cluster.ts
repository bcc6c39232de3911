import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createSystemRuntime, silentLogger } from '@flotilla/runtime';
import { findFreePorts } from './free-ports.ts';
import { isReplicated, leadingNode, type NodeStatus, type ReportingNode } from './node-status.ts';
import { type ProcessEnd, type ProcessOptions, ProcessUnderTest } from './process-under-test.ts';
import { HopelessError, waitUntil } from './wait-until.ts';

/** A member of a cluster: the scheduler, or a node by its place in the list of nodes, from 0. */
export type ClusterMember = 'scheduler' | number;

/** Where a member runs and how. */
export interface MemberPlacement extends Pick<ProcessOptions, 'environment' | 'launcher'> {
  /** The address it listens on, `127.0.0.1` unless given. */
  readonly host?: string | undefined;
  /** Its data directory, one inside the cluster's directory unless given. */
  readonly dataDir?: string | undefined;
}

/** What a cluster of processes is made of. */
export interface ProcessClusterOptions {
  /** Paths of the main modules of `flotilla-node` and `flotilla-scheduler`. */
  readonly programs: { readonly node: string; readonly scheduler: string };
  /** Storage nodes; 3 unless given. */
  readonly nodes?: number | undefined;
  /** A directory that the caller makes and removes; one of its own, removed by `close`, unless given. */
  readonly directory?: string | undefined;
  /** Options for every node beside its directory and addresses. */
  readonly nodeOptions?: readonly string[] | undefined;
  /** Options for the scheduler beside its directory and addresses. */
  readonly schedulerOptions?: readonly string[] | undefined;
  readonly placementOf?: ((member: ClusterMember) => MemberPlacement) | undefined;
  /** Whether members have process groups of their own, so that the Ctrl-C of a terminal passes them by. */
  readonly isDetached?: boolean | undefined;
}

/** Where a member keeps its data and listens. */
export interface MemberPlan extends MemberPlacement {
  readonly name: string;
  readonly dataDir: string;
  /** host:port of gRPC. */
  readonly listen: string;
  /** host:port of health and status. */
  readonly http: string;
  /** Everything that the processes of this member said, one after the other. */
  readonly logPath: string;
}

/** What a scheduler makes of each region unless told otherwise. */
const replicas = 3;
const requestTimeoutMs = 2_000;
/** How much of a log an error shows. */
const shownLog = 4_000;
const { timers } = createSystemRuntime({ logger: silentLogger });

/** A scheduler and storage nodes as processes of their own, with directories and ports of their own. */
export class ProcessCluster {
  /** Where logs are kept, and data that was not placed elsewhere. */
  readonly directory: string;
  readonly scheduler: MemberPlan;
  readonly plans: readonly MemberPlan[];
  readonly #options: ProcessClusterOptions;
  readonly #processes = new Map<ClusterMember, ProcessUnderTest>();

  private constructor(options: ProcessClusterOptions, directory: string, ports: readonly number[]) {
    this.#options = options;
    this.directory = directory;
    const plan = (member: ClusterMember, name: string, port: number): MemberPlan => {
      const placement = options.placementOf?.(member) ?? {};
      const host = placement.host ?? '127.0.0.1';
      return {
        ...placement,
        name,
        dataDir: placement.dataDir ?? join(directory, name),
        listen: `${host}:${ports[port]}`,
        http: `${host}:${ports[port + 1]}`,
        logPath: join(directory, `${name}.log`),
      };
    };
    this.scheduler = plan('scheduler', 'scheduler', 0);
    this.plans = Array.from({ length: options.nodes ?? 3 }, (_, node) => plan(node, `node-${node + 1}`, 2 + 2 * node));
  }

  /** Chooses directory and ports; starts nothing. */
  static async create(options: ProcessClusterOptions): Promise<ProcessCluster> {
    const ports = await findFreePorts(2 + 2 * (options.nodes ?? 3));
    const directory = options.directory ?? (await mkdtemp(join(tmpdir(), 'flotilla-cluster-')));
    return new ProcessCluster(options, directory, ports);
  }

  /** Starts everything and waits as `startAll` does. */
  static async start(options: ProcessClusterOptions): Promise<ProcessCluster> {
    const cluster = await ProcessCluster.create(options);
    try {
      await cluster.startAll();
      return cluster;
    } catch (error) {
      await cluster.close();
      throw error;
    }
  }

  /** Where clients find the scheduler. */
  get schedulerAddress(): string {
    return this.scheduler.listen;
  }

  /** Every member, the scheduler first. */
  get members(): readonly ClusterMember[] {
    return ['scheduler', ...this.plans.keys()];
  }

  /** The latest process of a member, which may have ended. */
  processOf(member: ClusterMember): ProcessUnderTest | undefined {
    return this.#processes.get(member);
  }

  /** Whether a member's process runs; a paused one does. */
  isRunning(member: ClusterMember): boolean {
    return this.#processes.get(member)?.hasEnded === false;
  }

  /** The plan of a member. */
  planOf(member: ClusterMember): MemberPlan {
    const plan = member === 'scheduler' ? this.scheduler : this.plans[member];
    if (plan === undefined) throw new Error(`there is no node ${member}`);
    return plan;
  }

  /** Starts all that do not run and waits until they are ready and every region has its replicas. */
  async startAll(limitMs?: number): Promise<void> {
    if (!this.isRunning('scheduler')) this.spawn('scheduler');
    await this.awaitReady('scheduler', limitMs);
    for (const node of this.plans.keys()) if (!this.isRunning(node)) this.spawn(node);
    await Promise.all(this.plans.map((_, node) => this.awaitReady(node, limitMs)));
    await this.awaitReplicas(limitMs);
  }

  /** Starts the process of a member, without waiting for it. */
  spawn(member: ClusterMember): ProcessUnderTest {
    if (this.isRunning(member)) throw new Error(`${this.planOf(member).name} runs already`);
    const { name, launcher, environment, logPath } = this.planOf(member);
    const program = member === 'scheduler' ? this.#options.programs.scheduler : this.#options.programs.node;
    const { isDetached } = this.#options;
    const options = { launcher, environment, logPath, isDetached };
    const child = new ProcessUnderTest(name, [program, ...this.optionsOf(member)], options);
    this.#processes.set(member, child);
    return child;
  }

  /** The options that a member is started with. */
  optionsOf(member: ClusterMember): string[] {
    const { dataDir, listen, http } = this.planOf(member);
    const common = ['--data-dir', dataDir, '--listen', listen, '--http', http, '--log-format', 'json'];
    if (member === 'scheduler') return [...common, ...(this.#options.schedulerOptions ?? [])];
    return [...common, '--scheduler', this.schedulerAddress, ...(this.#options.nodeOptions ?? [])];
  }

  /** Waits until a member is ready; a node is when every region on it knows its leader. */
  async awaitReady(member: ClusterMember, limitMs?: number): Promise<void> {
    const { name, http } = this.planOf(member);
    await waitUntil(
      `${name} to be ready`,
      async () => {
        if (!this.isRunning(member)) throw new HopelessError(`${name} does not run:\n${await this.logTail(member)}`);
        return (await request(`http://${http}/readyz`)) !== undefined;
      },
      limitMs,
    );
  }

  /** Whether a member says that it is ready. */
  async isReady(member: ClusterMember): Promise<boolean> {
    if (!this.isRunning(member)) return false;
    const answer = await request(`http://${this.planOf(member).http}/readyz`).catch(() => undefined);
    return answer !== undefined;
  }

  /** Waits until every region has its replicas, three or one on each node, and a leader that all of them know. */
  async awaitReplicas(limitMs?: number): Promise<void> {
    const { length } = this.plans;
    await waitUntil(
      'every region to have its replicas',
      async () => isReplicated(await this.statuses(), Math.min(length, replicas)),
      limitMs,
    );
  }

  /** What the nodes that answer say of themselves. */
  async statuses(): Promise<ReportingNode[]> {
    const reports = await Promise.all(
      this.plans.map(async ({ http }, node) => {
        const text = this.isRunning(node) ? await request(`http://${http}/status`).catch(() => undefined) : undefined;
        const status = text === undefined ? undefined : (JSON.parse(text) as Partial<NodeStatus>);
        return status?.store === undefined ? undefined : { node, status: status as NodeStatus };
      }),
    );
    return reports.filter((report) => report !== undefined);
  }

  /** The node that leads the most regions, as soon as one that answers does. */
  findLeader(limitMs?: number): Promise<number> {
    return waitUntil('a leader', async () => leadingNode(await this.statuses()), limitMs);
  }

  /** Ends a member as a power cut would, and waits until the process is gone. */
  async kill(member: ClusterMember): Promise<void> {
    await this.#processes.get(member)?.stop('SIGKILL');
  }

  /** Asks a member to stop and waits until it has; answers how it ended. */
  async stop(member: ClusterMember): Promise<ProcessEnd | undefined> {
    return this.#processes.get(member)?.stop('SIGTERM');
  }

  /** Stops a member's process in its tracks: it keeps its connections and answers nothing. */
  pause(member: ClusterMember): void {
    this.#processes.get(member)?.signal('SIGSTOP');
  }

  /** Lets a paused member go on. */
  resume(member: ClusterMember): void {
    this.#processes.get(member)?.signal('SIGCONT');
  }

  /** The end of what a member said. */
  async logTail(member: ClusterMember): Promise<string> {
    const text = await readFile(this.planOf(member).logPath, 'utf8').catch(() => '');
    return text.slice(-shownLog);
  }

  /** Ends every process, by its id, and removes the directory unless it was the caller's. */
  async close(): Promise<void> {
    await Promise.all(this.members.map((member) => this.kill(member)));
    if (this.#options.directory === undefined) await rm(this.directory, { recursive: true, force: true });
  }
}

/** The body of an answer that is a success, `undefined` for another. */
async function request(url: string): Promise<string | undefined> {
  const deadline = new AbortController();
  const timer = timers.after(requestTimeoutMs, () => deadline.abort());
  try {
    const response = await fetch(url, { signal: deadline.signal });
    const text = await response.text();
    return response.ok ? text : undefined;
  } finally {
    timer.cancel();
  }
}
