import { createSeededRandom } from '@flotilla/runtime';
import type { ReportingNode } from '@flotilla/test-harness';
import { expect, it } from 'vitest';
import { drawOrder } from '../src/fault/region-order.ts';

/** Store `store` tells of a region of stores 1 to 3 that store `leader` leads. */
function report(store: number, leader: number | undefined): ReportingNode {
  const peerOf = (storeId: number) => ({ id: 10 + storeId, storeId });
  const known = leader === undefined ? {} : { leader: peerOf(leader) };
  const region = { region: { id: 7, peers: [1, 2, 3].map(peerOf) }, ...known, term: 5, appliedIndex: 9 };
  const regions = store > 3 ? [] : [region];
  return { node: store - 1, status: { phase: 'serving', store: { id: store, address: '' }, regions } };
}

function orders(stores: readonly number[], leader: number | undefined): Set<string> {
  const random = createSeededRandom(1);
  const reports = stores.map((store) => report(store, leader));
  return new Set(Array.from({ length: 300 }, () => drawOrder(reports, random)?.join(' ') ?? 'none'));
}

it('splits, and lets any other replica lead, where there is no store to spare', () => {
  expect(orders([1, 2, 3], 2)).toEqual(
    new Set(['region split 7', 'region transfer-leader 7 1', 'region transfer-leader 7 3']),
  );
});

it('moves replicas to stores that have none', () => {
  const moves = [1, 2, 3].flatMap((from) => [4, 5].map((to) => `region move-peer 7 ${from} ${to}`));
  expect(orders([1, 2, 3, 4, 5], 2)).toEqual(new Set(['region split 7', ...moves]));
});

it('gives none for regions without a leader, or when nobody answers', () => {
  expect(orders([1, 2, 3], undefined)).toEqual(new Set(['none']));
  expect(orders([], 1)).toEqual(new Set(['none']));
});
