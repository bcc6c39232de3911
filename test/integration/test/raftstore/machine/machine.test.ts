import { flotillapb, raft_cmdpb } from '@flotilla/protocol';
import { SchedulerError } from '@flotilla/scheduler-client';
import {
  checkConsistency,
  errorOf,
  getCommand,
  headerOf,
  putCommand,
  snapCommand,
  TestCluster,
} from '@flotilla/test-harness';
import { afterEach, describe, expect, it } from 'vitest';
import { awaitRegions, leaderOfKey, outline, putKey, regionsOn, runOnKey } from '../split-cluster.ts';
import { CounterMachine, type CounterTrace, counterKind } from './counter-machine.ts';
import {
  answerOf,
  callCounter,
  counterCall,
  counterKey,
  counterLeader,
  startMachineCluster,
} from './machine-cluster.ts';

function newTrace(): CounterTrace {
  return { machines: [] };
}

describe('a region with a machine', () => {
  it('is split off at once, and every replica applies each call once', async () => {
    const trace = newTrace();
    await using cluster = await startMachineCluster(3, { trace });
    for (const node of cluster.nodes) expect(outline(regionsOn(node))).toEqual(['-3', 'm-3', 'n-3']);
    expect(await callCounter(cluster, '5')).toBe('5');
    expect(await callCounter(cluster, '-2')).toBe('3');
    expect(await callCounter(cluster, 'none')).toBe('3');
    const open = trace.machines.filter(({ isClosed }) => !isClosed);
    await cluster.until('all have applied', () =>
      open.every(({ sum, writtenCount }) => sum === 3 && writtenCount === 2),
    );
    expect(open).toHaveLength(3);
    const { region } = counterLeader(cluster);
    for (const { state } of (await checkConsistency(cluster, region.id)).values()) {
      expect(state).toBe(flotillapb.RegionHashState.Matched);
    }
  });

  it('is changed and read by calls alone; what lies beside it by anything else', async () => {
    await using cluster = await startMachineCluster(1);
    const { node, region } = counterLeader(cluster);
    const header = headerOf(region);
    for (const request of [putCommand(header, 'm/x', '1'), getCommand(header, 'm/x'), snapCommand(header)]) {
      const error = errorOf(await cluster.execute(node, request));
      expect(error?.invalidRequest?.reason).toMatch(/belong to the machine counter/);
    }
    await putKey(cluster, 'l', '1');
    await putKey(cluster, 'n', '1');
    const beside = leaderOfKey(cluster, 'n')!;
    const stray = await cluster.execute(beside.node, counterCall(beside, '1'));
    expect(errorOf(stray)?.keyNotInRegion).toBeDefined();
    const foreign = counterCall(beside, '1');
    const call = { ...foreign.requests[0]!.call!, key: Buffer.from('o') };
    const unknown = { ...foreign, requests: [{ ...foreign.requests[0]!, call }] };
    expect(errorOf(await cluster.execute(beside.node, unknown))?.invalidRequest?.reason).toMatch(/no machine/);
    const twice = counterCall({ region }, '1');
    const both = { ...twice, requests: [...twice.requests, ...twice.requests] };
    expect(errorOf(await cluster.execute(node, both))?.invalidRequest?.reason).toMatch(/a command of its own/);
    expect(await callCounter(cluster, 'sum', true)).toBe('0');
  });

  it('is never split, however it is asked for', async () => {
    await using cluster = await startMachineCluster(1, { config: { regionMaxBytes: 200, regionSplitBytes: 100 } });
    for (let number = 1; number <= 50; number += 1) await callCounter(cluster, String(number));
    await cluster.sleep(10_000);
    const { node, region } = counterLeader(cluster);
    for (const splitKeys of [[], [Buffer.from('m/entry/00000010')]]) {
      const result = await cluster.run(node.store!.splitRegion({ regionId: region.id, splitKeys }));
      expect(errorOf(result)?.invalidRequest?.reason).toMatch(/stay in one region/);
    }
    const split = raft_cmdpb.SplitRequest.create({ splitKey: Buffer.from('m/x'), newRegionId: 900, newPeerIds: [901] });
    const adminRequest = raft_cmdpb.AdminRequest.create({ cmdType: raft_cmdpb.AdminCmdType.Split, split });
    const forced = raft_cmdpb.RaftCmdRequest.create({ header: headerOf(region), adminRequest });
    expect(errorOf(await cluster.execute(node, forced))?.invalidRequest?.reason).toMatch(/stay in one region/);
    expect(outline(regionsOn(node))).toEqual(['-3', 'm-3', 'n-3']);
  });

  it('stays awake while its neighbours hibernate, and ticks with the leadership alone', async () => {
    const trace = newTrace();
    await using cluster = await startMachineCluster(3, { trace, config: { hibernateAfterMs: 1_000 } });
    const sleepers = (): number =>
      cluster.nodes.reduce((sum, { store }) => sum + (store?.metrics().hibernatingPeers ?? 0), 0);
    await cluster.until('the neighbours sleep', () => sleepers() === 6);
    await cluster.sleep(20_000);
    expect(sleepers()).toBe(6);
    const { term } = counterLeader(cluster);
    for (const machine of trace.machines) machine.ticks = [];
    await cluster.sleep(1_000);
    const ticked = trace.machines.map(({ ticks }) => [...new Set(ticks)]);
    expect(ticked.every((terms) => terms.length === 1)).toBe(true);
    expect(ticked.flat().filter((one) => one !== undefined)).toEqual([term]);
  });

  it('takes calls of its own machine, as the leader', async () => {
    const trace = newTrace();
    await using cluster = await startMachineCluster(3, { trace });
    for (const machine of trace.machines) machine.proposal = '7';
    const answers = (): (string | undefined)[] => trace.machines.flatMap((machine) => machine.answers);
    await cluster.until('the leader has proposed', () => answers().length > 0);
    expect(answers()).toEqual(['7']);
    expect(await callCounter(cluster, 'sum', true)).toBe('7');
  });
});

describe('reads of a machine', () => {
  it('see what was acknowledged on every replica, and name the term where the replica leads', async () => {
    await using cluster = await startMachineCluster(3);
    await callCounter(cluster, '4');
    const { node: leader, region, term } = counterLeader(cluster);
    for (const node of cluster.nodes) {
      const request = counterCall({ region }, 'sum', true);
      const header = raft_cmdpb.RaftRequestHeader.create({ ...request.header, replicaRead: true });
      expect(answerOf(await cluster.execute(node, { ...request, header }))).toBe('4');
      const asked = counterCall({ region }, 'term', true);
      const answer = answerOf(await cluster.execute(node, { ...asked, header }));
      expect(answer).toBe(node === leader ? String(term) : 'none');
    }
  });

  afterEach(() => {
    CounterMachine.gate = undefined;
  });

  it('are refused as busy until the machine is loaded, and calls wait', async () => {
    await using cluster = await startMachineCluster(1);
    await callCounter(cluster, '4');
    const [node] = cluster.nodes;
    await cluster.stop(node!);
    let open: () => void = () => {};
    CounterMachine.gate = new Promise((resolve) => {
      open = resolve;
    });
    await cluster.restart(node!);
    await cluster.until('it is led', () => leaderOfKey(cluster, 'm') !== undefined);
    const led = counterLeader(cluster);
    const early = node!.store!.execute(counterCall(led, '1'));
    let isApplied = false;
    void early.then(() => {
      isApplied = true;
    });
    await cluster.sleep(2_000);
    expect(isApplied).toBe(false);
    expect(node!.store!.subscribe(counterKey, Buffer.from('0'))).toMatchObject({
      error: { serverIsBusy: { reason: expect.stringMatching(/being loaded/) } },
    });
    open();
    expect(answerOf(await cluster.run(early))).toBe('5');
    expect(await callCounter(cluster, 'sum', true)).toBe('5');
  });
});

describe('a region that still spans a machine', () => {
  it('refuses its calls as busy, and splits it off once the scheduler gives ids', async () => {
    const cluster = new TestCluster({ machines: [counterKind()] });
    const { scheduler } = cluster;
    let asked = 0;
    const askSplit = scheduler.askSplit.bind(scheduler);
    scheduler.askSplit = () => {
      asked += 1;
      throw new SchedulerError('unavailable', 'no ids today');
    };
    const node = await cluster.addNode();
    await cluster.until('it has asked again', () => asked > 2);
    const whole = leaderOfKey(cluster, 'm')!;
    expect(errorOf(await cluster.execute(node, counterCall(whole, '1')))?.serverIsBusy?.reason).toMatch(/split off/);
    expect(
      errorOf(await cluster.execute(node, putCommand(headerOf(whole.region), 'm', '1')))?.invalidRequest,
    ).toBeDefined();
    expect(node.store!.subscribe(counterKey, Buffer.from('0'))).toMatchObject({ error: { regionNotFound: {} } });
    scheduler.askSplit = askSplit;
    await cluster.until('it is split off', () => outline(regionsOn(node)).join() === '-3,m-3,n-3');
    expect(await callCounter(cluster, '1')).toBe('1');
    await cluster.close();
  });

  it('splits off what a split has left to it', async () => {
    await using cluster = await startMachineCluster(3);
    await runOnKey(cluster, 'a', ({ node, region }) =>
      node.store!.splitRegion({ regionId: region.id, splitKeys: [Buffer.from('f')] }),
    );
    await awaitRegions(cluster, 4);
    for (const node of cluster.nodes) expect(outline(regionsOn(node))).toEqual(['-4', 'f-4', 'm-3', 'n-3']);
  });
});
