import type { raft_serverpb } from '@flotilla/protocol';
import type { Random } from '@flotilla/runtime';
import {
  headerOf,
  orderAnyChange,
  orderJointChange,
  type TestNode,
  transferLeaderCommand,
} from '@flotilla/test-harness';
import { Blows, type BlowsOptions, electionMs } from './blows.ts';
import { type Moment, MomentWatch } from './moment.ts';
import type { Rivals } from './rivals.ts';

/** A region and who leads it. */
interface Target {
  readonly regionId: number;
  readonly leader: TestNode;
}

/** What ambushes act on. */
export interface AmbushesOptions extends BlowsOptions {
  readonly rivals: Rivals;
  /** Whether nobody is to order changes of members now. */
  readonly areMembersFrozen: () => boolean;
}

/** Somebody who waits for a moment. */
interface Watcher {
  readonly moment: Moment;
  readonly regionId: number | undefined;
  readonly strike: (node: TestNode, regionId: number) => void;
}

/**
 * Faults that wait for their moment: a store is cut off, deafened or crashed with the very message in which it campaigns,
 * shows that it leads, tells what is committed or hands over. Left to chance such moments are hardly ever hit, and mistakes
 * about what an earlier leader may have done show only then.
 */
export class Ambushes {
  readonly #options: AmbushesOptions;
  readonly #blows: Blows;
  readonly #watch = new MomentWatch();
  #watcher: Watcher | undefined;

  constructor(options: AmbushesOptions) {
    this.#options = options;
    this.#blows = new Blows(options);
  }

  /** Sees a message before it is sent; links that are cut now lose it. */
  note(message: raft_serverpb.RaftMessage, fromStoreId: number): void {
    const seen = this.#watch.see(message);
    const watcher = this.#watcher;
    if (watcher === undefined || !seen.includes(watcher.moment)) return;
    if (watcher.regionId !== undefined && watcher.regionId !== message.regionId) return;
    const node = this.#options.cluster.nodeOf(fromStoreId);
    if (node === undefined) return;
    this.#watcher = undefined;
    watcher.strike(node, message.regionId);
  }

  /** One ambush, from its preparation until the network is whole again. */
  async lay(random: Random): Promise<void> {
    const { cluster, rivals } = this.#options;
    const target = this.#target(random);
    if (target === undefined) return;
    rivals.follow();
    const plots = [
      this.#waylay,
      this.#overthrowTwice,
      this.#overthrowTwice,
      this.#usurp,
      this.#usurp,
      this.#handOver,
      this.#handOver,
      this.#divide,
      this.#divide,
      this.#part,
      this.#stall,
    ];
    await plots[random.integer(0, plots.length)]?.call(this, target, random);
    this.#watcher = undefined;
    cluster.network.heal();
    await this.#blows.end();
  }

  /** Strikes the sender at any moment, in any way. */
  async #waylay({ leader }: Target, random: Random): Promise<void> {
    const moment = (['campaign', 'vote', 'lead', 'commit', 'birth'] as const)[random.integer(0, 5)] ?? 'lead';
    if (moment === 'birth') this.#options.rivals.splitTwice(random);
    else if (moment !== 'commit') this.#blows.isolate(leader);
    const struck = await this.#awaitMoment(moment, undefined, (node) => this.#blows.hurt(node, random));
    if (struck === undefined) return;
    await this.#pass(random.fraction() * 3 * electionMs);
    this.#options.cluster.network.heal();
    if (random.fraction() < 0.5) await this.#blows.crashSoon(struck, random);
  }

  /**
   * Cuts off a leader with entries that nobody else has; then the next one with its first message, before anybody has an
   * entry of it; then the one after that as soon as it tells that something is committed.
   */
  async #overthrowTwice({ regionId, leader }: Target, random: Random): Promise<void> {
    const { rivals, cluster } = this.#options;
    this.#blows.isolate(leader);
    rivals.pile(leader, regionId, random.integer(1, 8), random);
    const second = await this.#awaitMoment('lead', regionId, (node) => this.#blows.isolate(node));
    if (second === undefined) return;
    if (random.fraction() < 0.5) rivals.pile(second, regionId, random.integer(1, 4), random);
    const third = await this.#awaitMoment(random.fraction() < 0.7 ? 'commit' : 'lead', regionId, (node) => {
      if (node !== second) this.#blows.isolate(node);
    });
    if (third === undefined) return;
    await this.#pass((1 + random.fraction() * 2) * electionMs);
    cluster.network.heal();
    // What it had is being replaced just now.
    const replaced = [third, leader, undefined][random.integer(0, 3)];
    if (replaced !== undefined) await this.#blows.crashSoon(replaced, random);
  }

  /** A member that does not hear the leader campaigns among members that do; they may have just been started again. */
  async #usurp({ regionId, leader }: Target, random: Random): Promise<void> {
    const { cluster, timeScale } = this.#options;
    const others = cluster.nodes.filter((node) => node !== leader && node.store !== undefined);
    const usurper = others[random.integer(0, Math.max(1, others.length))];
    if (usurper === undefined) return;
    this.#note(`${usurper.name} does not hear ${leader.name}`);
    cluster.network.cut(leader.storeId, usurper.storeId);
    cluster.network.cut(usurper.storeId, leader.storeId);
    await this.#pass((1 + random.fraction() * 2) * electionMs);
    const isRestart = random.fraction() < 0.6;
    const won = this.#awaitMoment('vote', regionId, () => this.#blows.deafen(leader));
    if (isRestart) {
      // Heard again, the leader would be followed at once; unheard, it counts on what it was promised before.
      if (random.fraction() < 0.7) this.#blows.isolate(leader);
      const bystanders = others.filter((node) => node !== usurper);
      for (const node of bystanders) this.#blows.crash(node, 1 + random.fraction() ** 2 * 300 * timeScale);
    }
    await won;
    await this.#pass(electionMs);
  }

  /**
   * Has the leader hand over in the middle of writes, and not hear what comes of it: because it is cut off, or because its
   * successor stands still until it has given up.
   */
  async #handOver(target: Target, random: Random): Promise<void> {
    const { rivals, cluster } = this.#options;
    const { regionId, leader } = target;
    rivals.pile(leader, regionId, random.integer(1, 5), random);
    await cluster.clock.timers.sleep(random.fraction() ** 2 * 50);
    const dice = random.fraction();
    const struck = this.#awaitMoment('handover', regionId, (node) => {
      if (dice < 0.6) this.#blows.deafen(node);
      else if (dice < 0.7) this.#blows.isolateSoon(node, random);
      else if (successor !== undefined) cluster.pause(successor);
    });
    const successor = this.#transfer(target, random);
    if ((await struck) === undefined) return;
    if (dice >= 0.7 && successor !== undefined) {
      await this.#pass((1.1 + random.fraction()) * electionMs);
      this.#blows.deafen(leader);
      cluster.resume(successor);
    }
    await this.#pass((0.2 + random.fraction()) * electionMs);
  }

  /**
   * Divides the members just when a change among them is committed. Orders none while they are frozen: a store whose disk is
   * damaged is one that the members of then can do without, and fewer of them might not.
   */
  async #divide({ regionId }: Target, random: Random): Promise<void> {
    const { areMembersFrozen, cluster } = this.#options;
    if (areMembersFrozen()) return;
    if (!cluster.scheduler.isSettled(regionId)) {
      cluster.scheduler.cancelOperators(regionId);
      // What was asked for is still done: an order from before that shows could bring back a peer that was removed.
      await this.#pass(3 * electionMs);
      if (areMembersFrozen()) return;
    }
    if (random.fraction() < 0.7) orderJointChange(cluster, regionId, random);
    else orderAnyChange(cluster, random);
    const struck = await this.#awaitMoment('change', undefined, (node) => this.#blows.halve(node, random), 6);
    if (struck === undefined) return;
    await this.#pass((2 + random.fraction() * 2) * electionMs);
  }

  /** Has a region that was just split change its leader, while the others have not heard of the split. */
  async #part(target: Target, random: Random): Promise<void> {
    this.#options.rivals.splitTwice(random);
    const born = await this.#awaitMoment('birth', undefined, (node) => {
      const dice = random.fraction();
      if (dice < 0.5) this.#transfer({ ...target, leader: node }, random);
      else if (dice < 0.75) this.#blows.isolateSoon(node, random);
      else this.#blows.isolate(node);
    });
    if (born === undefined) return;
    await this.#pass((0.5 + random.fraction() * 2) * electionMs);
  }

  /** A disk of the leader hangs while its region is split: the others come further than it does. */
  async #stall({ regionId, leader }: Target, random: Random): Promise<void> {
    const { rivals } = this.#options;
    this.#blows.hang(leader, random.fraction() < 0.7 ? 'kvDisk' : 'raftDisk', (1 + random.fraction() * 3) * electionMs);
    rivals.pile(leader, regionId, random.integer(1, 4), random);
    rivals.splitTwice(random, regionId);
    if (random.fraction() < 0.5) rivals.pile(leader, regionId, random.integer(1, 4), random);
    await this.#pass((2 + random.fraction() * 3) * electionMs);
  }

  /** Waits until a message of that kind is sent, and strikes then; whom, or `undefined` when it is never sent. */
  async #awaitMoment(
    moment: Moment,
    regionId: number | undefined,
    strike: (node: TestNode) => void,
    elections = 4,
  ): Promise<TestNode | undefined> {
    let struck: TestNode | undefined;
    this.#watcher = {
      moment,
      regionId,
      strike: (node) => {
        struck = node;
        this.#note(`${node.name} is struck at its ${moment}`);
        strike(node);
      },
    };
    for (let waited = 0; waited < elections * 20 && struck === undefined; waited += 1) {
      await this.#pass(electionMs / 20);
    }
    this.#watcher = undefined;
    return struck;
  }

  #target(random: Random): Target | undefined {
    const { cluster } = this.#options;
    const regions = cluster.scheduler.regions();
    const regionId = regions[random.integer(0, Math.max(1, regions.length))]?.region.id;
    const leader = regionId === undefined ? undefined : cluster.leader(regionId);
    return regionId === undefined || leader === undefined ? undefined : { regionId, leader };
  }

  /** Has a leader hand its region to another member; to whom. */
  #transfer({ regionId, leader }: Target, random: Random): TestNode | undefined {
    const { region, peer } = this.#options.cluster.statusOf(leader, regionId) ?? {};
    const others = region?.peers.filter(({ id }) => id !== peer?.id) ?? [];
    const to = others[random.integer(0, Math.max(1, others.length))];
    if (region === undefined || to === undefined) return undefined;
    this.#note(`${leader.name} hands region ${regionId} to store ${to.storeId}`);
    void leader.store?.execute(transferLeaderCommand(headerOf(region), to)).catch(() => undefined);
    return this.#options.cluster.nodeOf(to.storeId);
  }

  #pass(ms: number): Promise<void> {
    return this.#options.cluster.clock.timers.sleep(ms * this.#options.timeScale);
  }

  #note(text: string): void {
    this.#options.trace.note(`ambush: ${text}`);
  }
}
