import { errorpb, flotillapb, metapb, schedulerpb } from '@flotilla/protocol';
import { SchedulerError } from '@flotilla/scheduler-client';
import { beforeEach, describe, expect, test } from 'vitest';
import { CommandBench } from '../run-command.ts';

const { OrderType } = flotillapb;
const { Learner } = metapb.PeerRole;
const peers = [1, 2, 3].map((storeId) => metapb.Peer.create({ id: 10 + storeId, storeId }));

function infoOf(id: number, start: string, end: string, fields: Partial<flotillapb.RegionInfo> = {}) {
  const region = metapb.Region.create({
    id,
    startKey: Buffer.from(start),
    endKey: Buffer.from(end),
    regionEpoch: { version: 3, confVer: 5 },
    peers,
  });
  return flotillapb.RegionInfo.create({
    region,
    leader: peers[0],
    approximateSize: 2_621_440,
    approximateKeys: 12_345,
    ...fields,
  });
}

let bench: CommandBench;
beforeEach(() => {
  bench = new CommandBench();
  bench.cluster.memoryOperators.regions = [
    infoOf(2, '', 'rm'),
    infoOf(4, 'rm', '', {
      pendingPeers: [peers[1]!],
      downPeers: [{ peer: peers[2], downSeconds: 75 }],
      flow: { bytesWritten: 20_480, keysWritten: 100, bytesRead: 0, keysRead: 0, intervalMs: 10_000 },
      term: 9,
    }),
  ];
});

const operators = () => bench.cluster.memoryOperators;

describe('looks at regions', () => {
  test('as a table, with a mark at replicas that lag or are not heard of', async () => {
    expect(await bench.run('region', 'list')).toBe(0);
    const { output } = bench.terminal;
    expect(output).toMatch(/^2 regions\n/);
    expect(output).toMatch(/│ 2 +│ ∞ – m +│ 3\/5 +│ 1 +│ 1 2 3 +│ 2\.5 MiB +│ 12,345 +│/);
    expect(output).toMatch(/│ 4 +│ m – ∞ +│ 3\/5 +│ 1 +│ 1 2… 3! +│/);
  });

  test('with what is not of users told apart', async () => {
    operators().regions = [infoOf(1, '', 'm'), infoOf(2, 'm', 'n'), infoOf(3, 'n', 'rk'), infoOf(4, 'rk', '')];
    expect(await bench.run('region', 'list')).toBe(0);
    const { output } = bench.terminal;
    expect(output).toMatch(/│ 1 +│ \(unused\) +│/);
    expect(output).toMatch(/│ 2 +│ \(coordination\) +│/);
    expect(output).toMatch(/│ 3 +│ ∞ – k +│/);
    expect(output).toMatch(/│ 4 +│ k – ∞ +│/);
  });

  test('only the unsettled, or those on a store', async () => {
    expect(await bench.run('region', 'list', '--unsettled', '--json')).toBe(0);
    const { regions } = JSON.parse(bench.terminal.output);
    expect(regions).toMatchObject([
      {
        id: 4,
        startKey: 'cm0=',
        endKey: '',
        epoch: { version: 3, confVer: 5 },
        leader: { id: 11, storeId: 1 },
        term: 9,
      },
    ]);
    expect(regions[0].peers[2]).toEqual({ id: 13, storeId: 3, role: 'voter', isPending: false, downSeconds: 75 });
    bench.clear();
    expect(await bench.run('region', 'list', '--store', '7', '--json')).toBe(0);
    expect(JSON.parse(bench.terminal.output)).toEqual({ regions: [] });
  });

  test('again and again with --watch, until Ctrl-C', async () => {
    let looks = 0;
    bench.onPause = () => {
      looks += 1;
      if (looks === 3) bench.interrupt.abort();
    };
    await bench.run('region', 'show', '4', '--watch', '--json');
    expect(bench.terminal.output.trim().split('\n')).toHaveLength(3);
  });

  test('one in full, by number or by a key in it', async () => {
    expect(await bench.run('region', 'show', '4')).toBe(0);
    const { output } = bench.terminal;
    expect(output).toContain('region 4: m – ∞');
    expect(output).toContain('flow: written 2.0 KiB/s, 10 keys/s; read -/s, 0 keys/s');
    expect(output).toMatch(/│ 12 +│ 2 +│ voter +│ catching up +│/);
    expect(output).toMatch(/│ 13 +│ 3 +│ voter +│ not heard of for 75 s +│/);
    bench.clear();
    expect(await bench.run('region', 'show', '--key', '6c', '--hex', '--json')).toBe(0);
    expect(JSON.parse(bench.terminal.output)).toMatchObject({ id: 2 });
  });

  test('that do not exist, or are not named, is told', async () => {
    expect(await bench.run('region', 'show', '99')).toBe(73);
    expect(bench.terminal.errors).toContain('region 99 is unknown');
    expect(await bench.run('region', 'show')).toBe(64);
    expect(await bench.run('region', 'show', '4', '--key', 'a')).toBe(64);
    expect(await bench.run('region', 'hash')).toBe(64);
    expect(await bench.run('region', 'show', 'four')).toBe(64);
  });
});

describe('orders', () => {
  test.each<[string[], Partial<flotillapb.RegionOrder>]>([
    [['transfer-leader', '4', '2'], { type: OrderType.TransferLeader, storeId: 2 }],
    [['add-peer', '4', '5'], { type: OrderType.AddPeer, storeId: 5 }],
    [['remove-peer', '4', '3'], { type: OrderType.RemovePeer, fromStoreId: 3 }],
    [['move-peer', '4', '1', '5'], { type: OrderType.MovePeer, fromStoreId: 1, storeId: 5 }],
    [['split', '4'], { type: OrderType.SplitRegion, keys: [] }],
    [
      ['split', '4', '74', '70', '--hex'],
      { type: OrderType.SplitRegion, keys: [Buffer.from('rp'), Buffer.from('rt')] },
    ],
  ])('%j', async (args, order) => {
    expect(await bench.run('region', ...args)).toBe(0);
    expect(operators().ordered).toEqual([{ regionId: 4, order }]);
    expect(bench.terminal.output).toBe('operator 31: running: add the learner → promote\n');
  });

  test('are waited for with --wait, step by step', async () => {
    bench.onPause = () => operators().finishStep();
    expect(await bench.run('region', 'add-peer', '4', '5', '--wait', '--json')).toBe(0);
    expect(bench.terminal.errors).toBe('✓ add the learner\n✓ promote\n');
    expect(JSON.parse(bench.terminal.output)).toMatchObject({ id: 31, regionId: 4, state: 'done', reason: '' });
    expect(bench.cluster.closed).toBe(1);
  });

  test('that end without being done have an exit code and a reason', async () => {
    bench.onPause = () => {
      const { TIMEOUT } = schedulerpb.OperatorStatus;
      operators().current = { ...operators().current!, status: TIMEOUT, reason: 'not done within 600000 ms' };
    };
    expect(await bench.run('region', 'add-peer', '4', '5', '--wait')).toBe(73);
    expect(bench.terminal.errors).toContain(
      'operator 31 of region 4 was not done: timed out: not done within 600000 ms',
    );
    bench.clear();
    bench.onPause = () => {
      operators().current = undefined;
    };
    expect(await bench.run('region', 'add-peer', '4', '5', '--wait')).toBe(73);
    expect(bench.terminal.errors).toContain('the scheduler no longer knows operator 31');
  });

  test('that are impossible say what is in the way', async () => {
    operators().refusal = new SchedulerError('impossible', 'OrderOperator: store 2 already has peer 12 of region 4');
    expect(await bench.run('region', 'add-peer', '4', '2')).toBe(73);
    expect(bench.terminal.errors).toBe('OrderOperator: store 2 already has peer 12 of region 4\n');
  });

  test('go on after a Ctrl-C, which says so', async () => {
    bench.onPause = () => bench.interrupt.abort();
    await bench.run('region', 'split', '4', '--wait');
    expect(bench.terminal.errors).toContain(
      'operator 31 goes on without being waited for; flotilla region show 4 shows it, flotilla region cancel 4 ends it',
    );
    expect(operators().current?.status).toBe(schedulerpb.OperatorStatus.RUNNING);
    expect(bench.cluster.closed).toBe(1);
  });

  test('are cancelled by their region', async () => {
    await bench.run('region', 'split', '4');
    bench.clear();
    expect(await bench.run('region', 'cancel', '4')).toBe(0);
    expect(bench.terminal.output).toContain('operator 31: cancelled (cancelled)');
    operators().current = undefined;
    expect(await bench.run('region', 'cancel', '4')).toBe(73);
  });
});

describe('compares replicas', () => {
  const { Computed, Computing, Matched } = flotillapb.RegionHashState;
  const hashAt = (storeId: number, index: number, byte: number, state: flotillapb.RegionHashState = Matched) =>
    flotillapb.RegionHash.create({ regionId: 2, peer: peers[storeId - 1], index, hash: Buffer.alloc(32, byte), state });
  const answer = (...hashes: flotillapb.RegionHash[]) => ({
    type: 'answered' as const,
    response: flotillapb.RegionHashResponse.create({ hashes }),
  });

  test('at one entry, once all have computed it', async () => {
    const asked: string[] = [];
    let pauses = 0;
    bench.onPause = () => {
      pauses += 1;
    };
    bench.cluster.onHash = (storeId, { compute }) => {
      asked.push(`${storeId}${compute ? '!' : ''}`);
      if (compute) return answer(hashAt(storeId, 50, 7, Computed));
      return storeId === 3 && pauses < 2 ? answer(hashAt(3, 50, 0, Computing)) : answer(hashAt(storeId, 50, 7));
    };
    expect(await bench.run('region', 'hash', '2')).toBe(0);
    expect(asked).toEqual(['1!', '1', '2', '3', '3', '3']);
    expect(bench.terminal.output).toMatch(/│ 2 +│ 50 +│ stores 1 2 3 +│ 0707070707070707 +│ equal +│/);
    expect(bench.terminal.output).toContain('1 of 1 regions have equal replicas');
  });

  test('of all regions, and tells those that differ', async () => {
    bench.cluster.onHash = (storeId, { regionId }) =>
      answer({ ...hashAt(storeId, 50, regionId === 4 && storeId === 2 ? 8 : 7), regionId });
    expect(await bench.run('region', 'hash', '--all', '--json')).toBe(73);
    const { summary, regions } = JSON.parse(bench.terminal.output);
    expect(summary).toEqual({ regions: 2, equal: 1, different: 1, unknown: 0 });
    expect(regions.map((each: { verdict: string }) => each.verdict)).toEqual(['equal', 'different']);
    bench.clear();
    await bench.run('region', 'hash', '4');
    expect(bench.terminal.output).toMatch(/stores 1 3 +│ 0707070707070707 +│ different/);
    expect(bench.terminal.output).toContain('0 of 1 regions have equal replicas, 1 DIFFER');
  });

  test('with whoever leads, and begins again when another check came in between', async () => {
    let round = 0;
    bench.onPause = () => {
      round += 1;
    };
    const notHere = errorpb.Error.create({ message: 'peer 11 does not lead region 2' });
    bench.cluster.onHash = (storeId, { compute }) => {
      if (compute && storeId === 1) return { ...answer(), response: { regionError: notHere, hashes: [] } };
      return answer(hashAt(storeId, !compute && round === 0 ? 60 : 50, 7));
    };
    expect(await bench.run('region', 'hash', '2')).toBe(0);
    expect(round).toBe(1);
  });
});

test('stores are shown with their liveness and their disks', async () => {
  const stats = schedulerpb.StoreStats.create({
    storeId: 1,
    regionCount: 31,
    capacity: 10 * 2 ** 30,
    available: 4 * 2 ** 30,
    sendingSnapCount: 2,
  });
  const store = metapb.Store.create({ id: 1, address: '127.0.0.1:7410' });
  operators().stores = [
    flotillapb.StoreInfo.create({ store, stats, liveness: 'up', silentMs: 2100 }),
    flotillapb.StoreInfo.create({ store: { ...store, id: 2, state: metapb.StoreState.Offline }, liveness: 'silent' }),
  ];
  expect(await bench.run('store', 'list')).toBe(0);
  expect(bench.terminal.output).toMatch(
    /│ 1 +│ 127\.0\.0\.1:7410 +│ up +│ 2 s ago +│ 31 +│ 10\.0 GiB +│ 4\.0 GiB +│ 2\/0\/0 +│/,
  );
  expect(bench.terminal.output).toMatch(/│ 2 +│ 127\.0\.0\.1:7410 +│ leaving, silent +│ never +│/);
  bench.clear();
  expect(await bench.run('store', 'show', '1', '--json')).toBe(0);
  expect(JSON.parse(bench.terminal.output).stores).toMatchObject([{ id: 1, state: 'up', liveness: 'up', regions: 31 }]);
  expect(await bench.run('store', 'show', '9')).toBe(73);
  expect(bench.terminal.errors).toContain('there is no store 9');
});

test('a learner is told apart', async () => {
  const learner = { ...peers[2]!, role: Learner };
  const { region } = infoOf(2, '', 'm');
  operators().regions = [infoOf(2, '', 'm', { region: { ...region!, peers: [...peers.slice(0, 2), learner] } })];
  expect(await bench.run('region', 'list')).toBe(0);
  expect(bench.terminal.output).toContain('1 2 3(learner)');
});
