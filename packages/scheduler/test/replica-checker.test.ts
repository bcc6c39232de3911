import { metapb, schedulerpb } from '@flotilla/protocol';
import { type RegionReport, unreportedRegion } from '@flotilla/scheduler-client';
import { describe, expect, test } from 'vitest';
import { planReplicas, type ReplicaContext, type ReplicaPlan } from '../src/replica-checker.ts';
import type { StoreLiveness, StoreView } from '../src/store-registry.ts';
import { peer, region, store } from './fixtures.ts';

const { Offline, Tombstone, Up } = metapb.StoreState;
const { Learner, DemotingVoter } = metapb.PeerRole;

function view(
  id: number,
  regionCount: number,
  liveness: StoreLiveness = 'up',
  state: metapb.StoreState = Up,
): StoreView {
  const stats = schedulerpb.StoreStats.create({ storeId: id, regionCount });
  return { store: { ...store(id), state }, stats, liveness, silentMs: 0 };
}

interface Shape {
  readonly pending?: readonly number[];
  readonly down?: readonly number[];
  readonly roles?: Readonly<Record<number, metapb.PeerRole>>;
}

/** A region with a peer 10n on each store n, led from the first. */
function reportOf(storeIds: readonly number[], { pending = [], down = [], roles = {} }: Shape = {}): RegionReport {
  const peers = storeIds.map((id) => ({ ...peer(100 + id, id), role: roles[id] ?? metapb.PeerRole.Voter }));
  const pick = (ids: readonly number[]): metapb.Peer[] => peers.filter(({ storeId }) => ids.includes(storeId));
  return {
    ...unreportedRegion(region({ peers })),
    leader: peers[0]!,
    pendingPeers: pick(pending),
    downPeers: pick(down).map((lost) => ({ peer: lost, downSeconds: 4000 })),
  };
}

function plan(
  report: RegionReport,
  stores: readonly StoreView[],
  fields: Partial<ReplicaContext> = {},
): ReplicaPlan | undefined {
  return planReplicas(report, {
    stores: new Map(stores.map((each) => [each.store.id, each])),
    maxPeerCount: 3,
    addsUnderWay: new Map(),
    maxAddsPerStore: 2,
    isHeld: false,
    ...fields,
  });
}

const four = [view(1, 0), view(2, 5), view(3, 2), view(4, 2)];

describe('a further replica', () => {
  test('goes to the store with the fewest regions, those that are on their way included', () => {
    expect(plan(reportOf([1]), four)).toEqual({ type: 'add', storeId: 3 });
    expect(plan(reportOf([1, 3]), four)).toEqual({ type: 'add', storeId: 4 });
    expect(plan(reportOf([1]), four, { addsUnderWay: new Map([[3, 1]]) })).toEqual({ type: 'add', storeId: 4 });
    expect(plan(reportOf([1, 3, 4]), four, { maxPeerCount: 5 })).toEqual({ type: 'add', storeId: 2 });
  });

  test('is not added when there are enough, no store for it, or too many on their way to the store', () => {
    expect(plan(reportOf([1, 2, 3]), four)).toBeUndefined();
    expect(plan(reportOf([1, 2, 3, 4]), four, { maxPeerCount: 5 })).toBeUndefined();
    expect(plan(reportOf([1]), [view(1, 0), view(2, 0)], { addsUnderWay: new Map([[2, 2]]) })).toBeUndefined();
  });

  test('is not added while a peer catches up, nor while a person’s order stands', () => {
    expect(plan(reportOf([1, 3], { pending: [3] }), four)).toBeUndefined();
    expect(plan(reportOf([1]), four, { isHeld: true })).toBeUndefined();
  });

  test.each<StoreView>([
    view(2, 0, 'silent'),
    view(2, 0, 'disconnected'),
    view(2, 0, 'up', Offline),
    view(2, 0, 'up', Tombstone),
  ])('does not go to a store that is silent or leaving', (unfit) => {
    expect(plan(reportOf([1]), [view(1, 1), unfit])).toBeUndefined();
  });
});

describe('a replica that is lost', () => {
  const stores = [view(1, 0), view(2, 0), view(3, 0, 'down'), view(4, 0)];

  test('is replaced on another store, even though it lags, and while a person’s order stands', () => {
    const replacement = { type: 'replace', peer: peer(103, 3), storeId: 4, reason: 'its store is down' };
    expect(plan(reportOf([1, 2, 3], { down: [3] }), stores)).toEqual(replacement);
    expect(plan(reportOf([1, 2, 3], { down: [3], pending: [3] }), stores, { isHeld: true })).toEqual(replacement);
  });

  test('is not lost while the scheduler or the leader hears of it, nor after a short silence', () => {
    expect(plan(reportOf([1, 2, 3]), stores)).toBeUndefined();
    expect(plan(reportOf([1, 2, 3], { down: [3] }), four)).toBeUndefined();
    const unhealthy = [...stores.slice(0, 2), view(3, 0, 'unhealthy'), view(4, 0)];
    expect(plan(reportOf([1, 2, 3], { down: [3] }), unhealthy)).toBeUndefined();
  });

  test('stays when no store can take another, and while a third one catches up', () => {
    expect(plan(reportOf([1, 2, 3], { down: [3] }), stores.slice(0, 3))).toBeUndefined();
    expect(plan(reportOf([1, 2, 3], { down: [3], pending: [2] }), stores)).toBeUndefined();
  });

  test('only goes when there is one too many', () => {
    const lost = { type: 'remove', peer: peer(103, 3), reason: 'its store is down' };
    expect(plan(reportOf([1, 2, 3, 4], { down: [3] }), stores)).toEqual(lost);
  });

  test('is replaced on a store that is leaving, once nobody catches up', () => {
    const leaving = [...four.slice(0, 2), view(3, 0, 'up', Offline), view(4, 0)];
    const replacement = { type: 'replace', peer: peer(103, 3), storeId: 4, reason: 'its store is leaving' };
    expect(plan(reportOf([1, 2, 3]), leaving)).toEqual(replacement);
    expect(plan(reportOf([1, 2, 3], { pending: [2] }), leaving)).toBeUndefined();
  });
});

describe('what a change left unfinished', () => {
  test('a learner that has caught up is promoted, one that has not is waited for', () => {
    const roles = { 3: Learner };
    const learner = { ...peer(103, 3), role: Learner };
    expect(plan(reportOf([1, 2, 3], { roles }), four)).toEqual({ type: 'promote', peer: learner });
    expect(plan(reportOf([1, 2, 3], { roles, pending: [3] }), four)).toBeUndefined();
    const gone = [...four.slice(0, 2), view(3, 0, 'down'), view(4, 0)];
    const removal = { type: 'remove', peer: learner, reason: 'its store is down' };
    expect(plan(reportOf([1, 2, 3], { roles, pending: [3], down: [3] }), gone)).toEqual(removal);
  });

  test('a joint change is ended before anything else', () => {
    const roles = { 2: DemotingVoter };
    expect(plan(reportOf([1, 2], { roles }), four)).toEqual({ type: 'leaveJoint' });
  });
});

describe('of too many replicas', () => {
  const dispensable = (report: RegionReport, stores: readonly StoreView[]): unknown => {
    const removal = plan(report, stores);
    return removal?.type === 'remove' ? removal.peer.storeId : removal;
  };

  test('the one on the store with the most regions goes, and the leader last', () => {
    expect(dispensable(reportOf([1, 2, 3, 4]), four)).toBe(2);
    expect(dispensable(reportOf([2, 1, 3, 4]), four)).toBe(4);
    expect(plan(reportOf([1, 2, 3, 4]), four, { isHeld: true })).toBeUndefined();
  });

  test('one on a silent store goes first', () => {
    const stores = [...four.slice(0, 2), view(3, 2, 'disconnected'), view(4, 9)];
    expect(dispensable(reportOf([1, 2, 3, 4]), stores)).toBe(3);
  });
});
