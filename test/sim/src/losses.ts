import { SchedulerError } from '@flotilla/scheduler-client';
import { cancelOrders, canLose, type TestCluster, type TestNode } from '@flotilla/test-harness';
import type { EventTrace } from './event-trace.ts';
import { type FaultContext, pass } from './fault-context.ts';

/**
 * Stores that are lost for good with their disks, and what an operator and the scheduler do about them: another store takes
 * the place of each, and every region that had a replica there gets one on the newcomer.
 *
 * Invariant: a store is lost, or has its disks damaged, only while no other is and every region can do without it, so that
 * the faults stay within a minority of each region's replicas.
 */
export class Losses {
  readonly #cluster: TestCluster;
  readonly #trace: EventTrace;
  /** The store that took the place of each lost one, by the id of the lost one. */
  readonly #lost = new Map<number, TestNode>();
  readonly #lostNodes = new Set<TestNode>();
  /** The node whose disks are damaged and which has not found out. */
  #damaged: TestNode | undefined;
  #isHeld = false;

  constructor(cluster: TestCluster, trace: EventTrace) {
    this.#cluster = cluster;
    this.#trace = trace;
  }

  isLost(node: TestNode): boolean {
    return this.#lostNodes.has(node);
  }

  isDamaged(node: TestNode): boolean {
    return this.#damaged === node;
  }

  /** Whether nobody is to order changes of members: a store is to be lost, or its replicas are being made up for. */
  get areMembersFrozen(): boolean {
    return this.#isHeld || this.#isRepairing;
  }

  /**
   * Waits until no change of members is under way, and has `harm` done to `node` if it may be lost then. No change is ordered
   * before that is over.
   */
  async risk(context: FaultContext, node: TestNode, harm: () => Promise<void>): Promise<void> {
    if (this.areMembersFrozen) return;
    this.#isHeld = true;
    cancelOrders(this.#cluster);
    await pass(context, 3_000);
    const isElsewhere = node.store === undefined || context.excused.has(node);
    if (context.paused.size === 0 && context.opening.size === 0 && !isElsewhere && canLose(this.#cluster, node)) {
      context.excused.add(node);
      await harm();
      context.excused.delete(node);
    }
    this.#damaged = undefined;
    this.#isHeld = false;
  }

  /** From now on a node may find itself damaged. */
  damage(node: TestNode, what: string): void {
    this.#damaged = node;
    this.#trace.note(`${node.name}: ${what}`);
  }

  /** Takes a node out of the cluster for good and puts an empty one in its place. */
  async replace(context: FaultContext, node: TestNode, why: string): Promise<void> {
    const { storeId } = node;
    this.#trace.note(`${node.name} is lost for good: ${why}`);
    this.#cluster.lose(node);
    this.#lostNodes.add(node);
    const newcomer = this.#cluster.createNode();
    this.#lost.set(storeId, newcomer);
    context.opening.add(newcomer);
    for (let open = () => this.#cluster.open(newcomer); newcomer.store === undefined; ) {
      await open().catch(async (error: unknown) => {
        if (!(error instanceof SchedulerError)) throw error;
        this.#cluster.crash(newcomer, { keepsPageCache: true });
        await pass(context, 500);
      });
      open = () => this.#cluster.restart(newcomer);
    }
    context.opening.delete(newcomer);
    this.#trace.note(`${newcomer.name} takes its place`);
  }

  /** Orders replicas in the place of those on lost stores, again and again until `isDone`. */
  async repair(context: Pick<FaultContext, 'cluster' | 'plan'>, isDone: () => boolean): Promise<void> {
    while (!isDone()) {
      for (const [storeId, newcomer] of this.#lost) this.#order(storeId, newcomer);
      await pass(context, 500);
    }
  }

  get #isRepairing(): boolean {
    const { scheduler } = this.#cluster;
    return [...this.#lost.keys()].some((storeId) => scheduler.regionsOn(storeId).length > 0);
  }

  #order(storeId: number, newcomer: TestNode): void {
    const { scheduler } = this.#cluster;
    for (const { region } of scheduler.regionsOn(storeId)) {
      const peer = region.peers.find((one) => one.storeId === storeId);
      if (peer === undefined || !scheduler.isSettled(region.id)) continue;
      this.#trace.note(`region ${region.id} is to do without peer ${peer.id} on the lost store ${storeId}`);
      scheduler.removePeer(region.id, peer);
      const takesOver = newcomer.store !== undefined && !region.peers.some((one) => one.storeId === newcomer.storeId);
      if (takesOver) {
        scheduler.addPeer(region.id, { id: scheduler.allocId(), storeId: newcomer.storeId, role: peer.role });
      }
    }
  }
}
