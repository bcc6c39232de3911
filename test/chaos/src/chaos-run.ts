import type { Runtime } from '@flotilla/runtime';
import { ProcessCluster, waitUntil } from '@flotilla/test-harness';
import type { FaultContext } from './fault/fault-context.ts';
import { faultKinds } from './fault/fault-kind.ts';
import { type FaultStep, planFaults } from './fault/fault-plan.ts';
import { makeFault } from './fault/make-fault.ts';
import { Members } from './fault/members.ts';
import { seconds } from './fault/process-fault.ts';
import { compareReplicas } from './judge/replica-hashes.ts';
import type { RunRecord } from './judge/run-record.ts';
import type { FaultWindow } from './judge/unavailability.ts';
import type { ChaosOptions } from './options.ts';
import { programs } from './programs.ts';
import { wallMs } from './workload/message.ts';
import { WorkloadProcess } from './workload/workload-process.ts';
import type { World } from './world/world.ts';

/** Short intervals, so that replicas and leaders are where they belong soon; short logs, so that a late node needs a snapshot. */
const quickly = [
  ...['--region-heartbeat-interval-ms', '500', '--store-heartbeat-interval-ms', '500'],
  ...['--log-gc-interval-ms', '1000', '--log-gc-max-entries', '500', '--split-check-interval-ms', '1000'],
];
/** What a minute adds to the size from which on regions are split: long runs have more data, not many more regions. */
const regionBytesPerMinute = 48 * 1024;
const leastRegionBytes = 64 * 1024;
const clients = 8;
/** Operations in a second: what two cores do beside the cluster, and what checkers get through. */
const rate = 200;
const startLimitMs = 120_000;
/** How long a cluster may take to be whole and writable again after the end of a fault. */
const recoveryLimitMs = 60_000;
/** A fault is held for no more than this share of the run. */
const longestShare = 1 / 10;

/** What went wrong, by whose fault. */
interface Violations {
  readonly process: string[];
  readonly recovery: string[];
  readonly client: string[];
}

/** One run: a cluster, clients, and faults until the time is over. */
export class ChaosRun {
  readonly #options: ChaosOptions;
  readonly #runtime: Runtime;
  readonly #world: World;
  readonly #signal: AbortSignal;
  readonly #say: (line: string) => void;
  readonly #windows: FaultWindow[] = [];
  readonly #violations: Violations = { process: [], recovery: [], client: [] };
  #startedAtMs = wallMs();

  constructor(options: ChaosOptions, runtime: Runtime, world: World, signal: AbortSignal, say: (line: string) => void) {
    this.#options = options;
    this.#runtime = runtime;
    this.#world = world;
    this.#signal = signal;
    this.#say = (line) => say(`${seconds(wallMs() - this.#startedAtMs).padStart(8)}  ${line}`);
  }

  /** Runs to the end, which aborting the signal brings forward. */
  async run(): Promise<RunRecord> {
    const { nodes } = this.#options;
    const cluster = await ProcessCluster.create({
      programs,
      nodes,
      directory: this.#world.directory,
      nodeOptions: [...quickly, ...regionSizes(this.#options.minutes)],
      placementOf: (member) => this.#world.placementOf(member),
      isDetached: true,
    });
    const members = new Members(cluster, (text) => this.#blame('process', text));
    let workload: WorkloadProcess | undefined;
    try {
      this.#say(`starting ${nodes} nodes and a scheduler in ${this.#world.directory}`);
      for (const member of cluster.members) members.ensureRunning(member);
      await this.#unlessAborted(cluster.startAll(startLimitMs));
      const started = await this.#startClients(cluster);
      workload = started.workload;
      await this.#makeFaults(members, workload);
      return await this.#finish(cluster, workload, started.originMs);
    } finally {
      workload?.kill();
      await members.close();
    }
  }

  /** @throws the signal's reason when the run is ended first. */
  #unlessAborted<T>(result: Promise<T>): Promise<T> {
    const aborted = new Promise<never>((_, reject) => {
      this.#signal.addEventListener('abort', () => reject(this.#signal.reason), { once: true });
    });
    return Promise.race([result, aborted]);
  }

  #startClients(cluster: ProcessCluster): ReturnType<typeof WorkloadProcess.start> {
    const { seed, historyPath } = this.#options;
    return WorkloadProcess.start(
      { schedulerAddress: cluster.schedulerAddress, seed, clients, rate, historyPath },
      { launcher: this.#world.clientLauncher, onOddity: (text) => this.#blame('client', text) },
    );
  }

  async #makeFaults(members: Members, workload: WorkloadProcess): Promise<void> {
    const { seed, nodes, minutes, faults } = this.#options;
    const runMs = minutes * 60_000;
    const kinds = faults.filter((kind) => this.#world.has(faultKinds[kind].need));
    if (kinds.length === 0) throw new Error('none of the faults that were asked for can be made here');
    const context: FaultContext = {
      members,
      world: this.#world,
      timers: this.#runtime.timers,
      signal: this.#signal,
      onViolation: (text) => this.#blame('process', text),
    };
    this.#startedAtMs = wallMs();
    await this.#recover(members, workload);
    for (const step of planFaults({ seed, kinds, nodes, maxHoldMs: runMs * longestShare })) {
      await this.#runtime.timers.sleep(step.calmMs, this.#signal).catch(() => {});
      const isOver = wallMs() - this.#startedAtMs > runMs || this.#violations.recovery.length > 0;
      if (isOver || this.#signal.aborted) return;
      await this.#makeStep(step, context, workload);
    }
  }

  async #makeStep({ faults }: FaultStep, context: FaultContext, workload: WorkloadProcess): Promise<void> {
    const label = faults.map(({ kind }) => kind).join(' + ');
    const fromMs = wallMs();
    this.#say(label);
    const ended = await Promise.all(faults.map((fault) => makeFault(context, fault, faults.length === 1)));
    const hasRecovered = await this.#recover(context.members, workload);
    for (const { settle } of ended) settle();
    const toMs = wallMs();
    this.#windows.push({ label, fromMs, toMs });
    const { ok, failed, unknown } = workload.progress;
    const what = ended.map(({ detail }) => detail).join(' + ');
    this.#say(
      `  ${what}; whole again after ${seconds(toMs - fromMs)} (${ok} ok, ${failed} failed, ${unknown} unknown)`,
    );
    if (!hasRecovered && !this.#signal.aborted) {
      this.#blame('recovery', `not whole and writable ${seconds(recoveryLimitMs)} after ${label}: ${what}`);
    }
  }

  /** Waits until every member runs and is ready, and a write has been acknowledged since. */
  async #recover(members: Members, workload: WorkloadProcess): Promise<boolean> {
    const { cluster } = members;
    const fromMs = wallMs();
    try {
      await waitUntil(
        'the cluster to recover',
        async () => {
          if (this.#signal.aborted) return true;
          for (const member of cluster.members) members.ensureRunning(member);
          const ready = await Promise.all(cluster.members.map((member) => cluster.isReady(member)));
          return ready.every((isReady) => isReady) && workload.progress.ackedAtMs > fromMs;
        },
        recoveryLimitMs,
      );
      return true;
    } catch {
      return false;
    }
  }

  async #finish(cluster: ProcessCluster, workload: WorkloadProcess, originMs: number): Promise<RunRecord> {
    const isWhole = !this.#signal.aborted && this.#violations.recovery.length === 0;
    this.#say(isWhole ? 'reading everything once more, and comparing replicas' : 'ending');
    const complaint = await workload.finish(isWhole);
    if (complaint !== undefined) this.#blame('recovery', complaint);
    const regions = new Set(
      (await cluster.statuses()).flatMap(({ status }) => status.regions).map(({ region }) => region.id),
    );
    const replicas = isWhole ? await compareReplicas(cluster.schedulerAddress) : undefined;
    const { seed, nodes, historyPath } = this.#options;
    return {
      seed,
      nodes,
      minutes: Math.round((wallMs() - this.#startedAtMs) / 600) / 100,
      notices: this.#world.notices,
      windows: this.#windows,
      processViolations: this.#violations.process,
      recoveryViolations: this.#violations.recovery,
      clientViolations: this.#violations.client,
      regions: regions.size === 0 ? undefined : regions.size,
      originMs,
      isRead: isWhole && complaint === undefined,
      replicas,
      historyPath,
    };
  }

  #blame(whom: keyof Violations, text: string): void {
    this.#say(`VIOLATION ${text}`);
    this.#violations[whom].push(text);
  }
}

/** Sizes of regions such that they split all the time, and that there are some dozens of them in the end. */
function regionSizes(minutes: number): string[] {
  const bytes = Math.round(Math.max(leastRegionBytes, minutes * regionBytesPerMinute));
  return ['--region-max-bytes', String(bytes), '--region-split-bytes', String(Math.round(bytes / 2))];
}
