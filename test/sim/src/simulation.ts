import {
  awaitEqualReplicas,
  ClusterObserver,
  checkBank,
  checkFinalValues,
  checkListAppend,
  checkRegister,
  checkSet,
  describeVerdict,
  formatHistory,
  HistoryRecorder,
  isPassed,
  type Json,
  RaftMessageChecker,
  TestCluster,
  type TestNode,
  type Verdict,
} from '@flotilla/test-harness';
import { Ambushes } from './ambushes.ts';
import { bank } from './bank.ts';
import { crashFor } from './crashes.ts';
import { EventTrace } from './event-trace.ts';
import type { FaultContext } from './fault-context.ts';
import { calm, disturb } from './faults.ts';
import { textOf } from './key-space.ts';
import { Losses } from './losses.ts';
import { describePlan, type SimulationPlan } from './plan.ts';
import { Rivals } from './rivals.ts';
import { letValueRot } from './silent-rot.ts';
import { type Histories, SimClient } from './sim-client.ts';

/** An election timeout with ticks of 100 ms. */
const electionMs = 1_000;
/** Within so many election timeouts after the last fault every region has to take a write. */
const electionsToProgress = 10;
/** Within this virtual time all replicas have to be equal: snapshots may have to be sent, one after the other. */
const convergenceMs = 120_000;

/** How a simulation ended. */
export interface SimulationOutcome {
  readonly seed: number;
  readonly traceHash: string;
  readonly virtualMs: number;
  readonly operations: number;
  readonly regions: number;
  /** What was wrong first, with the end of the trace; `undefined` when all held. */
  readonly failure:
    | { readonly message: string; readonly tail: readonly string[]; readonly history: string }
    | undefined;
}

/** Something that a check found wrong. */
class ViolationError extends Error {
  override readonly name = 'ViolationError';
}

/** Plays one plan to its end. Whatever goes wrong in it is its outcome; it does not reject. */
export async function simulate(plan: SimulationPlan): Promise<SimulationOutcome> {
  const simulation = await Simulation.create(plan);
  let message: string | undefined;
  try {
    await simulation.play();
  } catch (error) {
    message = error instanceof ViolationError ? error.message : String((error as Error)?.stack ?? error);
  }
  return simulation.outcome(message);
}

class Simulation {
  readonly #plan: SimulationPlan;
  readonly #cluster: TestCluster;
  readonly #trace: EventTrace;
  readonly #messages = new RaftMessageChecker();
  readonly #histories: Histories;
  readonly #excused = new Set<TestNode>();
  #clients: SimClient[] = [];
  #ambushes: Ambushes | undefined;
  #isOver = false;

  private constructor(plan: SimulationPlan, cluster: TestCluster) {
    this.#plan = plan;
    this.#cluster = cluster;
    this.#trace = new EventTrace(() => cluster.world.nowMs);
    this.#trace.note(describePlan(plan));
    cluster.network.filter = (message, from) => {
      this.#trace.message(message, from);
      this.#messages.note(message);
      this.#ambushes?.note(message, from);
      return true;
    };
    cluster.network.onSnapshot = (message, from) => {
      this.#trace.message(message, from);
      this.#messages.note(message);
    };
    const record = (): HistoryRecorder => new HistoryRecorder(cluster.clock.clock);
    this.#histories = { registers: record(), lists: record(), sets: record(), banks: record() };
  }

  static async create(plan: SimulationPlan): Promise<Simulation> {
    const { seed, config, syncMs } = plan;
    return new Simulation(plan, new TestCluster({ seed, config, syncMs, marksDatabases: true }));
  }

  outcome(message: string | undefined): SimulationOutcome {
    const { registers, lists, sets, banks } = this.#histories;
    const history = (): string => [registers, lists, sets, banks].map(({ events }) => formatHistory(events)).join('');
    const counts = this.#clients.map(({ tally }) => tally.ok + tally.fail + tally.info);
    return {
      seed: this.#plan.seed,
      traceHash: this.#trace.hash,
      virtualMs: this.#cluster.world.nowMs,
      operations: counts.reduce((sum, count) => sum + count, 0),
      regions: this.#cluster.scheduler.isBootstrapped() ? this.#cluster.scheduler.regions().length : 0,
      failure: message === undefined ? undefined : { message, tail: this.#trace.tail(), history: history() },
    };
  }

  async play(): Promise<void> {
    const cluster = this.#cluster;
    await cluster.grow(this.#plan.stores);
    const observer = new ClusterObserver(cluster, 200 * this.#plan.timeScale);
    const shared = { cluster, trace: this.#trace, timeScale: this.#plan.timeScale };
    const rivals = new Rivals({ ...shared, histories: this.#histories, isOver: () => this.#isOver });
    const losses = new Losses(cluster, this.#trace);
    const random = cluster.world.random.fork('ambush crashes');
    this.#ambushes = new Ambushes({
      ...shared,
      rivals,
      areMembersFrozen: () => losses.areMembersFrozen,
      crashFor: (node, ms) => crashFor(context, node, ms, random),
    });
    const context: FaultContext = {
      cluster,
      plan: this.#plan,
      trace: this.#trace,
      rivals,
      ambushes: this.#ambushes,
      isOver: () => this.#isOver,
      excused: this.#excused,
      opening: new Set(),
      paused: new Set(),
      losses,
    };
    let areReplicasEqual = false;
    const repairing = context.losses.repair(context, () => areReplicasEqual);
    await this.#busyPhase(context);
    await calm(context);
    await this.#quietPhase();
    this.#require(await awaitEqualReplicas(cluster, convergenceMs * this.#plan.timeScale));
    await this.#letValueRot();
    areReplicasEqual = true;
    await cluster.run(repairing);
    await this.#judge();
    this.#require(this.#messages.verdict());
    for (const verdict of await observer.finalVerdicts(electionsToProgress * electionMs * this.#plan.timeScale))
      this.#require(verdict);
    observer.stop();
    for (const client of this.#clients) await client.close();
    await cluster.close();
  }

  /** Clients work while everything goes wrong. */
  async #busyPhase(context: FaultContext): Promise<void> {
    const cluster = this.#cluster;
    const { meanPauseMs, timeScale } = this.#plan;
    const shared = { cluster, histories: this.#histories, trace: this.#trace, meanPauseMs, timeScale, banks: [] };
    this.#clients = Array.from({ length: this.#plan.clients }, (_, number) => new SimClient(number, shared));
    const working = Promise.all(this.#clients.map((client) => client.work(() => this.#isOver)));
    const disturbing = disturb(context);
    const watching = this.#watch();
    const over = cluster.clock.timers.sleep(this.#plan.busyMs);
    await cluster.run(Promise.race([over, working, disturbing.then(() => over), watching]), this.#plan.busyMs + 1);
    this.#isOver = true;
    await cluster.run(Promise.all([working, disturbing, watching]), 120_000 * timeScale);
  }

  /** Complains as soon as a store has stopped by itself without a reason. */
  async #watch(): Promise<void> {
    while (!this.#isOver) {
      await this.#cluster.clock.timers.sleep(100 * this.#plan.timeScale);
      this.#require(this.#messages.verdict());
      for (const node of this.#cluster.nodes) {
        if (node.fatal === undefined || this.#excused.has(node)) continue;
        const { message, cause } = node.fatal;
        const reason = cause instanceof Error ? (cause.stack ?? cause.message) : String(cause);
        throw new ViolationError(`${node.name} stopped: ${message}: ${reason}`);
      }
    }
  }

  /** With the faults gone, every region takes a write soon. */
  async #quietPhase(): Promise<void> {
    const cluster = this.#cluster;
    const limitMs = electionsToProgress * electionMs * this.#plan.timeScale;
    const client = cluster.createClient('probe', {
      retryUnknownWrites: true,
      requestTimeoutMs: limitMs,
      attemptTimeoutMs: limitMs / 20,
      retryMaxMs: limitMs / 100,
      maxAttempts: 10_000,
    });
    const starts = cluster.scheduler.regions().map(({ region }) => Buffer.from(region.startKey));
    const probes = starts.map(async (start) => {
      const key = Buffer.concat([start, Buffer.from('!probe')]);
      await client.raw.put(key, Buffer.from('here')).catch((error: Error) => {
        throw new ViolationError(
          `no progress within ${electionsToProgress} election timeouts: region at ${start}: ${error.message}`,
        );
      });
    });
    await cluster.run(Promise.all(probes), limitMs + 10_000);
    await client.close();
  }

  /** With the rest of the damage comes that which only the comparison of replicas finds. */
  async #letValueRot(): Promise<void> {
    if (!this.#plan.active.has('damage')) return;
    const cluster = this.#cluster;
    const random = cluster.world.random.fork('silent rot');
    const complaint = await letValueRot(cluster, this.#trace, random, convergenceMs * this.#plan.timeScale);
    if (complaint !== undefined) throw new ViolationError(complaint);
  }

  /** Reads what is there at the end, and judges what clients saw. */
  async #judge(): Promise<void> {
    const cluster = this.#cluster;
    const { registers, lists, sets, banks } = this.#histories;
    const client = cluster.createClient('final', {
      requestTimeoutMs: 20_000 * this.#plan.timeScale,
      maxAttempts: 10_000,
    });
    const values = new Map<string, Json>();
    const keys = new Set(registers.operations().map(({ key }) => key));
    for (const key of keys) {
      const value = textOf(await cluster.run(client.raw.get(Buffer.from(key))));
      if (value !== null) values.set(key, value);
    }
    await client.close();
    this.#require(checkFinalValues(registers.operations(), values));
    this.#require(checkRegister(registers.operations()));
    this.#require(checkListAppend(lists.operations()));
    this.#require(checkSet(sets.operations()));
    this.#require(checkBank(banks.operations(), bank));
  }

  #require(verdict: Verdict): void {
    if (!isPassed(verdict)) throw new ViolationError(describeVerdict(verdict));
  }
}
