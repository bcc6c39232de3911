import { metapb } from '@flotilla/protocol';
import { isJoint, type OperatorStep, type RegionReport } from '@flotilla/scheduler-client';
import type { StoreView } from './store-registry.ts';

/** What should be done about the replicas of a region. */
export type ReplicaPlan =
  | { readonly type: 'leaveJoint' }
  | { readonly type: 'promote'; readonly peer: metapb.Peer }
  | { readonly type: 'add'; readonly storeId: number }
  /** First a replica on another store, then the old one goes: at no time are there fewer that have the data. */
  | { readonly type: 'replace'; readonly peer: metapb.Peer; readonly storeId: number; readonly reason: string }
  | { readonly type: 'remove'; readonly peer: metapb.Peer; readonly reason: string };

/** What the checker judges by, beside the region's report. */
export interface ReplicaContext {
  readonly stores: ReadonlyMap<number, StoreView>;
  /** Replicas that a region should have. */
  readonly maxPeerCount: number;
  /** Replicas that are being added to a store now. */
  readonly addsUnderWay: ReadonlyMap<number, number>;
  readonly maxAddsPerStore: number;
  /** While a person's order stands, nothing is added or removed but for replicas that are lost. */
  readonly isHeld: boolean;
}

/**
 * Decides what a region's replicas lack: one change at a time, the most urgent first. A joint change is ended, a learner
 * that has caught up becomes a voter, a replica on a dead or leaving store is replaced, missing ones are made up, and what
 * is too much goes.
 */
export function planReplicas(report: RegionReport, context: ReplicaContext): ReplicaPlan | undefined {
  const { region, pendingPeers } = report;
  if (isJoint(region)) return { type: 'leaveJoint' };
  const lost = region.peers.find((peer) => isLost(peer, report, context));
  const isCatchingUp = pendingPeers.some(({ id }) => id !== lost?.id);
  const learner = planLearner(report, context);
  if (learner !== undefined) return learner;
  const leaving = lost ?? (isCatchingUp ? undefined : region.peers.find((peer) => isLeaving(peer, context)));
  if (leaving !== undefined) {
    const reason = lost === undefined ? 'its store is leaving' : 'its store is down';
    if (region.peers.length > context.maxPeerCount) return { type: 'remove', peer: leaving, reason };
    const storeId = storeForReplica(report, context);
    if (storeId !== undefined && !isCatchingUp) return { type: 'replace', peer: leaving, storeId, reason };
  }
  if (context.isHeld || isCatchingUp) return undefined;
  if (region.peers.length < context.maxPeerCount) {
    const storeId = storeForReplica(report, context);
    return storeId === undefined ? undefined : { type: 'add', storeId };
  }
  if (region.peers.length === context.maxPeerCount) return undefined;
  return { type: 'remove', peer: mostDispensable(report, context), reason: 'there is one too many' };
}

/** The steps of a plan; `newPeerId` is for the replica that it adds, if it adds one. */
export function stepsOf(plan: ReplicaPlan, newPeerId: number): OperatorStep[] {
  switch (plan.type) {
    case 'leaveJoint':
      return [{ type: 'changePeers', changes: [] }];
    case 'promote':
      return [{ type: 'promoteLearner', peer: { ...plan.peer, role: metapb.PeerRole.Voter } }];
    case 'add':
      return additionOf(metapb.Peer.create({ id: newPeerId, storeId: plan.storeId }));
    case 'replace':
      return [...additionOf(metapb.Peer.create({ id: newPeerId, storeId: plan.storeId })), ...removalOf(plan.peer)];
    case 'remove':
      return removalOf(plan.peer);
  }
}

/** A voter by way of a learner, which counts for no quorum while it catches up. */
export function additionOf(peer: metapb.Peer): OperatorStep[] {
  return [
    { type: 'addLearner', peer },
    { type: 'promoteLearner', peer },
  ];
}

/** A removal after which somebody else leads. */
export function removalOf(peer: metapb.Peer): OperatorStep[] {
  return [
    { type: 'evictLeader', peer },
    { type: 'removePeer', peer },
  ];
}

/** Whether a store takes part in the cluster and has been heard of lately. */
export function canTakeReplica({ store, liveness }: StoreView): boolean {
  return store.state === metapb.StoreState.Up && liveness === 'up';
}

/** A learner whose store is gone goes too; one that has caught up is promoted. */
function planLearner(report: RegionReport, context: ReplicaContext): ReplicaPlan | undefined {
  for (const peer of report.region.peers) {
    if (peer.role !== metapb.PeerRole.Learner) continue;
    if (isLost(peer, report, context)) return { type: 'remove', peer, reason: 'its store is down' };
    const isPending = report.pendingPeers.some(({ id }) => id === peer.id);
    const view = context.stores.get(peer.storeId);
    if (!isPending && view !== undefined && canTakeReplica(view)) return { type: 'promote', peer };
  }
  return undefined;
}

/**
 * Both sides miss it: the scheduler has not heard of the store for long, and the leader has not heard of the peer. One
 * alone may be a broken link.
 */
function isLost(peer: metapb.Peer, { downPeers }: RegionReport, { stores }: ReplicaContext): boolean {
  const view = stores.get(peer.storeId);
  const isStoreGone =
    view === undefined || view.liveness === 'down' || view.store.state === metapb.StoreState.Tombstone;
  return isStoreGone && downPeers.some((down) => down.peer?.id === peer.id);
}

function isLeaving(peer: metapb.Peer, { stores }: ReplicaContext): boolean {
  return stores.get(peer.storeId)?.store.state === metapb.StoreState.Offline;
}

/**
 * The store that should get one more replica of a region: among those that could take it, the one with the fewest regions,
 * the lower id of equals.
 */
function storeForReplica({ region }: RegionReport, context: ReplicaContext): number | undefined {
  const load = (view: StoreView): number => regionCount(view) + (context.addsUnderWay.get(view.store.id) ?? 0);
  let best: StoreView | undefined;
  for (const candidate of context.stores.values()) {
    const { id } = candidate.store;
    const isTaken = region.peers.some((peer) => peer.storeId === id);
    const isFull = (context.addsUnderWay.get(id) ?? 0) >= context.maxAddsPerStore;
    if (isTaken || isFull || !canTakeReplica(candidate)) continue;
    if (best === undefined || load(candidate) < load(best)) best = candidate;
  }
  return best?.store.id;
}

/** Of too many: one on a silent store, else one that lags, else one on the store with the most regions; the leader last. */
function mostDispensable(report: RegionReport, { stores }: ReplicaContext): metapb.Peer {
  const rank = (peer: metapb.Peer): readonly number[] => {
    const view = stores.get(peer.storeId);
    return [
      Number(view === undefined || !canTakeReplica(view)),
      Number(report.pendingPeers.some(({ id }) => id === peer.id)),
      Number(peer.id !== report.leader.id),
      view === undefined ? 0 : regionCount(view),
      peer.id,
    ];
  };
  const ranked = report.region.peers.map((peer) => ({ peer, rank: rank(peer) }));
  ranked.sort((left, right) => compareRanks(right.rank, left.rank));
  return (ranked[0] as { readonly peer: metapb.Peer }).peer;
}

function compareRanks(left: readonly number[], right: readonly number[]): number {
  for (const [position, value] of left.entries()) {
    const difference = value - (right[position] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

function regionCount({ stats }: StoreView): number {
  return stats?.regionCount ?? 0;
}
