import type { StoreReport } from '@flotilla/client';
import { flotillapb, metapb } from '@flotilla/protocol';
import { beforeEach, expect, test } from 'vitest';
import { CommandBench } from '../run-command.ts';

const peers = [1, 2].map((storeId) => metapb.Peer.create({ id: 10 + storeId, storeId }));
const region = metapb.Region.create({
  id: 10,
  startKey: Buffer.from('ra'),
  endKey: new Uint8Array(0),
  regionEpoch: { confVer: 3, version: 1 },
  peers,
});

function statusOf(peer: metapb.Peer, leader: metapb.Peer, term: number): flotillapb.StoreStatusResponse {
  const regions = [
    flotillapb.RegionStatus.create({
      region,
      peer,
      leader,
      term,
      commitIndex: 12_345,
      appliedIndex: 12_344,
      firstIndex: 6,
      lastIndex: 12_346,
    }),
  ];
  return flotillapb.StoreStatusResponse.create({ clusterId: 7, regions });
}

const stores = [1, 2].map((id) => metapb.Store.create({ id, address: `127.0.0.1:${7400 + 10 * id}` }));

function answered(position: 0 | 1, leader: 0 | 1, term: number): StoreReport {
  const status = statusOf(peers[position]!, peers[leader]!, term);
  return { type: 'answered', store: stores[position]!, status };
}

let bench: CommandBench;
beforeEach(() => {
  bench = new CommandBench();
  bench.cluster.regionList = [{ region, leader: peers[0] }];
});

test('shows what each store says of each peer', async () => {
  bench.cluster.reports = [answered(0, 0, 6), answered(1, 1, 7)];
  expect(await bench.run('status')).toBe(0);
  const lines = bench.terminal.output.split('\n');
  expect(lines[0]).toBe('cluster 7: 2 stores, 1 region');
  const row = (...cells: readonly string[]) => expect.stringMatching(new RegExp(`│ ${cells.join(' +│ +')} +│`));
  expect(lines).toContainEqual(row('1', '127.0.0.1:7410', 'up', '1', '0'));
  expect(lines).toContainEqual(row('2', '127.0.0.1:7420', 'up', '1', '1'));
  expect(lines).toContainEqual(row('10', 'a – ∞', '11', '1', 'follower', '6', '12,344', '12,345', '6–12,346'));
  // The later term decides who leads, whatever the scheduler still believes.
  expect(lines).toContainEqual(row('', '', '12', '2', 'leader', '7', '12,344', '12,345', '6–12,346'));
});

test('shows a store that does not answer, and what the scheduler knows of its peers', async () => {
  bench.cluster.reports = [{ type: 'silent', store: stores[0]!, reason: 'not here' }, answered(1, 0, 6)];
  expect(await bench.run('status', '--json')).toBe(0);
  expect(JSON.parse(bench.terminal.output)).toEqual({
    clusterId: 7,
    stores: [
      { id: 1, address: '127.0.0.1:7410', answers: false, reason: 'not here', regions: 1, leaders: 1 },
      { id: 2, address: '127.0.0.1:7420', answers: true, regions: 1, leaders: 0 },
    ],
    regions: [
      {
        id: 10,
        startKey: 'cmE=',
        endKey: '',
        epoch: { confVer: 3, version: 1 },
        leaderStoreId: 1,
        peers: [
          {
            id: 11,
            storeId: 1,
            isLeader: true,
            term: null,
            commitIndex: null,
            appliedIndex: null,
            firstIndex: null,
            lastIndex: null,
          },
          {
            id: 12,
            storeId: 2,
            isLeader: false,
            term: 6,
            commitIndex: 12_345,
            appliedIndex: 12_344,
            firstIndex: 6,
            lastIndex: 12_346,
          },
        ],
      },
    ],
  });
  bench.clear();
  await bench.run('status');
  expect(bench.terminal.output).toContain('no answer');
});

test('shows how the stores do their work, from their own figures', async () => {
  const figures = flotillapb.StoreMetrics.create({
    latencies: [
      { name: 'propose_to_apply', count: 12_345, totalUs: 1, p50Us: 1_240, p99Us: 25_000, maxUs: 30_000 },
      { name: 'log_write', count: 10, totalUs: 1, p50Us: 90, p99Us: 400, maxUs: 500 },
      { name: 'apply', count: 10, totalUs: 1, p50Us: 300, p99Us: 1_000, maxUs: 1_000 },
      { name: 'read', count: 0, totalUs: 0, p50Us: 0, p99Us: 0, maxUs: 0 },
    ],
    counters: [{ name: 'slow_writes', value: 2 }],
    gauges: [
      { name: 'raft_mailbox_length', value: 1_000 },
      { name: 'apply_mailbox_length', value: 3 },
      { name: 'apply_queue_bytes', value: 99_999 },
    ],
    workers: [flotillapb.WorkerStatus.create({ name: 'region', done: 4, failed: 1, replaced: 3, pending: 2 })],
  });
  const report = answered(0, 0, 6);
  if (report.type !== 'answered') throw new Error('the store answers');
  bench.cluster.reports = [{ ...report, status: { ...report.status, metrics: figures } }, answered(1, 0, 6)];
  await bench.run('status');
  expect(bench.terminal.output).toMatch(
    /│ 1 +│ 12,345 │ 1\.2\/25 +│ 0\.1\/0\.4 │ 0\.3\/1\.0 +│ 0 +│ - +│ 1,003 messages, 2 tasks │ 2 slow writes, 1 failed tasks, 3 replaced workers │/,
  );
  bench.clear();
  await bench.run('status', '--json');
  const { stores: told } = JSON.parse(bench.terminal.output) as { stores: { metrics?: Record<string, unknown> }[] };
  expect(told[1]).not.toHaveProperty('metrics');
  expect(told[0]?.metrics).toMatchObject({
    latencies: { propose_to_apply: { count: 12_345, p99Us: 25_000 } },
    counters: { slow_writes: 2 },
    gauges: { raft_mailbox_length: 1_000 },
    workers: { region: { done: 4, isRunning: false } },
  });
});
