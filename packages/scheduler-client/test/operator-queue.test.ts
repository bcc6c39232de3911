import { metapb, schedulerpb } from '@flotilla/protocol';
import { expect, test } from 'vitest';
import { OperatorQueue } from '../src/operator-queue.ts';
import type { RegionOperator, RegionReport } from '../src/region-operator.ts';

const { SUCCESS, CANCEL, RUNNING } = schedulerpb.OperatorStatus;
const peer = (id: number, storeId = id): metapb.Peer => metapb.Peer.create({ id, storeId });

function report(peers: readonly metapb.Peer[], fields: Partial<RegionReport> = {}): RegionReport {
  return { region: metapb.Region.create({ id: 1, peers }), leader: peers[0] ?? peer(0), pendingPeers: [], ...fields };
}

test.each<[string, RegionOperator, RegionReport, number]>([
  ['an added peer that has caught up', { type: 'addPeer', peer: peer(2) }, report([peer(1), peer(2)]), SUCCESS],
  ['a removed peer', { type: 'removePeer', peer: peer(2) }, report([peer(1)]), SUCCESS],
  ['a new leader', { type: 'transferLeader', peer: peer(2) }, report([peer(2), peer(1)]), SUCCESS],
  [
    'another peer on the store of an added one',
    { type: 'addPeer', peer: peer(2) },
    report([peer(1), peer(7, 2)]),
    CANCEL,
  ],
  ['a transfer to a peer that is gone', { type: 'transferLeader', peer: peer(2) }, report([peer(1)]), CANCEL],
])('ends with %s', (_, operator, latest, status) => {
  const queue = new OperatorQueue();
  queue.enqueue(1, operator);
  expect(queue.latest(1)).toEqual({ operator, status: RUNNING });
  expect(queue.advance(latest)).toEqual({});
  expect(queue.latest(1)).toEqual({ operator, status });
  expect(queue.waiting(1)).toEqual([]);
});

test('a queue of one region is bounded, and others are not touched by that', () => {
  const queue = new OperatorQueue();
  const operator: RegionOperator = { type: 'removePeer', peer: peer(2) };
  for (let count = 0; count < 64; count += 1) expect(queue.enqueue(1, operator)).toBe('accepted');
  expect(queue.enqueue(1, operator)).toBe('full');
  expect(queue.enqueue(2, operator)).toBe('accepted');
  expect(queue.cancel(1)).toBe(64);
  expect(queue.cancel(1)).toBe(0);
  expect(queue.latest(1)).toEqual({ operator, status: CANCEL });
});

test('one operator can be withdrawn from among others', () => {
  const queue = new OperatorQueue();
  const [first, second]: RegionOperator[] = [
    { type: 'removePeer', peer: peer(2) },
    { type: 'removePeer', peer: peer(3) },
  ];
  queue.enqueue(1, first!);
  queue.enqueue(1, second!);
  expect(queue.withdraw(1, first!)).toBe(true);
  expect(queue.withdraw(1, first!)).toBe(false);
  expect(queue.waiting(1)).toEqual([second]);
});

test('what has ended is remembered for the last 1,024 regions', () => {
  const queue = new OperatorQueue();
  for (let regionId = 1; regionId <= 1025; regionId += 1) {
    queue.enqueue(regionId, { type: 'removePeer', peer: peer(2) });
    queue.cancel(regionId);
  }
  expect(queue.latest(1)).toBeUndefined();
  expect(queue.latest(2)?.status).toBe(CANCEL);
});
