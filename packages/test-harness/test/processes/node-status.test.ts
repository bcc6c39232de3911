import { expect, it } from 'vitest';
import { isReplicated, leadingNode, type RegionReport, type ReportingNode } from '../../src/processes/node-status.ts';

/** A region as store `on` sees it: `leader` is a store's id. */
function region(id: number, leader: number | undefined, term = 5, peers = [1, 2, 3], appliedIndex = 9): RegionReport {
  const peerOf = (storeId: number) => ({ id: 10 * id + storeId, storeId });
  const known = leader === undefined ? {} : { leader: peerOf(leader) };
  return { region: { id, peers: peers.map(peerOf) }, ...known, term, appliedIndex };
}

/** Node `node`, which is store `node + 1`. */
function report(node: number, ...regions: readonly RegionReport[]): ReportingNode {
  return { node, status: { phase: 'serving', store: { id: node + 1, address: '' }, regions } };
}

it('names the node that leads most regions', () => {
  const each = (node: number) => report(node, region(1, 3), region(2, 1), region(3, 3));
  expect(leadingNode([each(0), each(1), each(2)])).toBe(2);
});

it('counts what was written more than how many regions it was', () => {
  const each = (node: number) =>
    report(node, region(1, 3, 5, [1, 2, 3], 7), region(2, 1, 5, [1, 2, 3], 900), region(3, 3, 5, [1, 2, 3], 7));
  expect(leadingNode([each(0), each(1), each(2)])).toBe(0);
});

it('believes the highest term: a leader that was replaced may not know it yet', () => {
  expect(leadingNode([report(0, region(1, 1, 5)), report(1, region(1, 2, 6))])).toBe(1);
});

it('names nobody while the leader is not among those that answer, or is not known', () => {
  expect(leadingNode([report(0, region(1, 3)), report(1, region(1, 3))])).toBeUndefined();
  expect(leadingNode([report(0, region(1, undefined))])).toBeUndefined();
  expect(leadingNode([])).toBeUndefined();
});

it('calls a cluster replicated when every region has its peers, data on each, and one leader', () => {
  const whole = [0, 1, 2].map((node) => report(node, region(1, 2), region(2, 3)));
  expect(isReplicated(whole, 3)).toBe(true);
  expect(isReplicated(whole, 2)).toBe(false);
  expect(isReplicated([], 3)).toBe(false);
});

it.each([
  ['a copy does not answer', [report(0, region(1, 2)), report(1, region(1, 2))]],
  ['a copy is empty', [0, 1, 2].map((node) => report(node, region(1, 2, 5, [1, 2, 3], node)))],
  ['a peer is missing', [0, 1, 2].map((node) => report(node, region(1, 2, 5, [1, 2])))],
  ['two are believed to lead', [0, 1, 2].map((node) => report(node, region(1, node < 2 ? 1 : 2)))],
  ['one knows no leader', [0, 1, 2].map((node) => report(node, region(1, node < 2 ? 1 : undefined)))],
  [
    'one is a learner',
    [0, 1, 2].map((node) => {
      const { region: whole, ...rest } = region(1, 2);
      const peers = whole.peers.map((peer, position) => ({ ...peer, role: position === 2 ? 1 : 0 }));
      return report(node, { ...rest, region: { ...whole, peers } });
    }),
  ],
])('does not when %s', (_, reports) => {
  expect(isReplicated(reports, 3)).toBe(false);
});
