import { metapb, schedulerpb } from '@flotilla/protocol';
import { expect, test } from 'vitest';
import { OperatorQueue } from '../../src/operator/operator-queue.ts';
import type { OperatorStep } from '../../src/operator/operator-step.ts';
import type { RegionOperator } from '../../src/operator/region-operator.ts';
import { type RegionReport, unreportedRegion } from '../../src/operator/region-report.ts';

const { SUCCESS, CANCEL, RUNNING, TIMEOUT } = schedulerpb.OperatorStatus;
const peer = (id: number, storeId = id): metapb.Peer => metapb.Peer.create({ id, storeId });

function report(peers: readonly metapb.Peer[], fields: Partial<RegionReport> = {}): RegionReport {
  const region = metapb.Region.create({ id: 1, peers });
  return { ...unreportedRegion(region), leader: peers[0] ?? peer(0), ...fields };
}

let lastId = 0;
function operatorOf(steps: readonly OperatorStep[], fields: Partial<RegionOperator> = {}): RegionOperator {
  lastId += 1;
  return { id: lastId, regionId: 1, kind: 'admin', steps, timeoutMs: 1000, ...fields };
}

const removal: OperatorStep = { type: 'removePeer', peer: peer(2) };
const still = () => 0;

test.each<[string, OperatorStep, RegionReport, number, string]>([
  ['an added peer that has caught up', { type: 'addPeer', peer: peer(2) }, report([peer(1), peer(2)]), SUCCESS, ''],
  ['a removed peer', removal, report([peer(1)]), SUCCESS, ''],
  ['a new leader', { type: 'transferLeader', peer: peer(2) }, report([peer(2), peer(1)]), SUCCESS, ''],
  ['the leader elsewhere', { type: 'evictLeader', peer: peer(2) }, report([peer(1), peer(2)]), SUCCESS, ''],
  [
    'another peer on the store of an added one',
    { type: 'addPeer', peer: peer(2) },
    report([peer(1), peer(7, 2)]),
    CANCEL,
    'store 2 has peer 7 of the region',
  ],
  [
    'a transfer to a peer that is gone',
    { type: 'transferLeader', peer: peer(2) },
    report([peer(1)]),
    CANCEL,
    'peer 2 is no longer there',
  ],
  [
    'a transfer to a learner',
    { type: 'transferLeader', peer: peer(2) },
    report([peer(1), { ...peer(2), role: metapb.PeerRole.Learner }]),
    CANCEL,
    'peer 2 is a learner',
  ],
  [
    'the promotion of a peer that is gone',
    { type: 'promoteLearner', peer: peer(2) },
    report([peer(1)]),
    CANCEL,
    'peer 2 is no longer there',
  ],
])('ends with %s', (_, step, latest, status, reason) => {
  const queue = new OperatorQueue(still);
  const operator = operatorOf([step]);
  queue.enqueue(operator);
  expect(queue.latest(1)).toMatchObject({ operator, status: RUNNING, finishedSteps: 0 });
  expect(queue.advance(latest)).toEqual({});
  expect(queue.latest(1)).toMatchObject({ operator, status, reason });
  expect(queue.byId(operator.id)?.status).toBe(status);
  expect(queue.waiting(1)).toEqual([]);
  expect(queue.isIdle(1)).toBe(true);
});

test('steps are done one after the other, and several at once when a report shows them', () => {
  const queue = new OperatorQueue(still);
  const added: OperatorStep = { type: 'addPeer', peer: peer(2) };
  const operator = operatorOf([
    added,
    { type: 'transferLeader', peer: peer(2) },
    { type: 'removePeer', peer: peer(1) },
  ]);
  queue.enqueue(operator);
  expect(queue.advance(report([peer(1)])).changePeer?.peer).toEqual(peer(2));
  expect(queue.advance(report([peer(1), peer(2)]))).toEqual({ transferLeader: { peer: peer(2) } });
  expect(queue.latest(1)?.finishedSteps).toBe(1);
  expect(queue.advance(report([peer(2)]))).toEqual({});
  expect(queue.latest(1)).toMatchObject({ status: SUCCESS, finishedSteps: 3 });
});

test('an operator that takes too long ends, and the next one has its own time', () => {
  let now = 0;
  const queue = new OperatorQueue(() => now);
  const [first, second] = [operatorOf([removal]), operatorOf([{ type: 'removePeer', peer: peer(3) }])];
  queue.enqueue(first);
  queue.enqueue(second);
  now = 1001;
  expect(queue.latest(1)).toMatchObject({ operator: second, status: RUNNING });
  expect(queue.byId(first.id)).toMatchObject({ status: TIMEOUT, reason: 'not done within 1000 ms', endedAtMs: 1001 });
  now = 2001;
  expect(queue.advance(report([peer(1), peer(3)])).changePeer?.peer).toEqual(peer(3));
  now = 2002;
  expect(queue.byId(second.id)?.status).toBe(TIMEOUT);
  expect(queue.unended()).toEqual([]);
  expect(queue.recentlyEnded().map(({ operator }) => operator)).toEqual([second, first]);
});

test('a queue of one region is bounded, and others are not touched by that', () => {
  const queue = new OperatorQueue(still);
  const operators = Array.from({ length: 64 }, () => operatorOf([removal]));
  for (const operator of operators) expect(queue.enqueue(operator)).toBe('accepted');
  expect(queue.enqueue(operatorOf([removal]))).toBe('full');
  expect(queue.enqueue(operatorOf([removal], { regionId: 2 }))).toBe('accepted');
  expect(queue.cancel(1, 'no longer wanted')).toBe(64);
  expect(queue.cancel(1, 'again')).toBe(0);
  expect(queue.latest(1)).toMatchObject({ operator: operators[0], status: CANCEL, reason: 'no longer wanted' });
});

test('one operator can be withdrawn from among others', () => {
  const queue = new OperatorQueue(still);
  const [first, second] = [operatorOf([removal]), operatorOf([{ type: 'removePeer', peer: peer(3) }])];
  queue.enqueue(first);
  queue.enqueue(second);
  expect(queue.withdraw(first.id, schedulerpb.OperatorStatus.REPLACE, 'overtaken')).toBe(true);
  expect(queue.withdraw(first.id, CANCEL, 'again')).toBe(false);
  expect(queue.byId(first.id)?.status).toBe(schedulerpb.OperatorStatus.REPLACE);
  expect(queue.waiting(1)).toEqual([second]);
});

test('the 1,024 operators that ended last are remembered', () => {
  const queue = new OperatorQueue(still);
  const operators = Array.from({ length: 1025 }, (_, index) => operatorOf([removal], { regionId: index + 1 }));
  for (const operator of operators) {
    queue.enqueue(operator);
    queue.cancel(operator.regionId, '');
  }
  expect(queue.latest(1)).toBeUndefined();
  expect(queue.byId(operators[0]!.id)).toBeUndefined();
  expect(queue.latest(2)?.status).toBe(CANCEL);
});
