import { metapb, schedulerpb } from '@flotilla/protocol';
import { createSystemRuntime, silentLogger } from '@flotilla/runtime';
import { describe, expect, test } from 'vitest';
import { schedulerClientCompliance } from '../src/compliance-suite.ts';
import { MockScheduler } from '../src/mock-scheduler.ts';

const createRuntime = () => createSystemRuntime({ logger: silentLogger, seed: 1 });
const peer = (id: number, storeId: number): metapb.Peer => metapb.Peer.create({ id, storeId });
const key = (text: string): Uint8Array => new TextEncoder().encode(text);

interface Shape {
  id?: number;
  start?: string;
  end?: string;
  version?: number;
  confVer?: number;
  peers?: metapb.Peer[];
}

function region({ id = 1, start = '', end = '', version = 1, confVer = 1, peers = [peer(11, 1)] }: Shape = {}) {
  const regionEpoch = { version, confVer };
  return metapb.Region.create({ id, startKey: key(start), endKey: key(end), regionEpoch, peers });
}

function report(of: metapb.Region, fields: Partial<schedulerpb.RegionHeartbeatRequest> = {}) {
  return schedulerpb.RegionHeartbeatRequest.create({ region: of, leader: of.peers[0], ...fields });
}

function createBootstrapped(): MockScheduler {
  const scheduler = new MockScheduler(createRuntime());
  expect(scheduler.bootstrap(metapb.Store.create({ id: 1, address: 'a' }), region())).toBe('bootstrapped');
  return scheduler;
}

describe('MockSchedulerClient as a SchedulerClient', () => {
  for (const { name, run } of schedulerClientCompliance) {
    test(name, async () => {
      const scheduler = new MockScheduler(createRuntime());
      await run({
        connect: async () => scheduler.createClient(),
        order: (regionId, ...steps) => scheduler.order(regionId, ...steps),
      });
    });
  }
});

test('an order that is pushed goes to the client that last reported as the leader, and to no other', async () => {
  const runtime = createRuntime();
  const scheduler = new MockScheduler(runtime);
  scheduler.pushesOrders = true;
  scheduler.bootstrap(metapb.Store.create({ id: 1, address: 'a' }), region());
  const [first, second] = [scheduler.createClient(), scheduler.createClient()];
  const answers: string[] = [];
  first.regionHeartbeatResponses.subscribe((answer) => answers.push(`first: ${answer.transferLeader?.peer?.id}`));
  second.regionHeartbeatResponses.subscribe((answer) => answers.push(`second: ${answer.transferLeader?.peer?.id}`));
  const peers = [peer(11, 1), peer(12, 2)];
  first.regionHeartbeat(report(region({ peers, confVer: 2 })));
  second.regionHeartbeat(report(region({ peers, confVer: 2 }), { leader: peers[1], term: 7 }));
  await new Promise<void>((resolve) => runtime.timers.defer(resolve));
  answers.length = 0;
  scheduler.transferLeader(1, peers[0]!);
  await new Promise<void>((resolve) => runtime.timers.defer(resolve));
  expect(answers).toEqual(['second: 11']);
  await Promise.all([first.close(), second.close()]);
});

describe('reports that cannot be', () => {
  const two = [peer(11, 1), peer(12, 2)];
  const three = [...two, peer(13, 3)];
  const learner = { ...peer(12, 2), role: metapb.PeerRole.Learner };
  const cases: { name: string; first: metapb.Region; second: metapb.Region; message: RegExp }[] = [
    {
      name: 'peers change, conf_ver stays',
      first: region(),
      second: region({ peers: two }),
      message: /conf_ver stayed/,
    },
    {
      name: 'two peers for one conf_ver',
      first: region(),
      second: region({ confVer: 2, peers: three }),
      message: /more peers/,
    },
    {
      name: 'a peer swapped for one conf_ver',
      first: region({ confVer: 2, peers: two }),
      second: region({ confVer: 3, peers: [peer(11, 1), peer(14, 4)] }),
      message: /more peers/,
    },
    { name: 'conf_ver rises alone', first: region(), second: region({ confVer: 2 }), message: /peers stayed/ },
    {
      name: 'a learner becomes a voter, conf_ver stays',
      first: region({ confVer: 2, peers: [peer(11, 1), learner] }),
      second: region({ confVer: 2, peers: two }),
      message: /conf_ver stayed/,
    },
    {
      name: 'the range changes, version stays',
      first: region(),
      second: region({ end: 'm' }),
      message: /version stayed/,
    },
    {
      name: 'two regions of one version overlap',
      first: region({ end: 'm', version: 2 }),
      second: region({ id: 2, start: 'k', version: 2, peers: [peer(21, 1)] }),
      message: /overlap/,
    },
    {
      name: 'an empty range',
      first: region(),
      second: region({ start: 'm', end: 'm', version: 2 }),
      message: /start key/,
    },
    {
      name: 'two peers on one store',
      first: region(),
      second: region({ confVer: 2, peers: [peer(11, 1), peer(12, 1)] }),
      message: /one store/,
    },
  ];
  test.each(cases)('$name', ({ first, second, message }) => {
    const scheduler = createBootstrapped();
    scheduler.regionHeartbeat(report(first));
    const before = scheduler.regions();
    expect(() => scheduler.regionHeartbeat(report(second))).toThrow(message);
    expect(scheduler.regions()).toEqual(before);
  });

  test('a leader that is not a peer', () => {
    const scheduler = createBootstrapped();
    expect(() => scheduler.regionHeartbeat(report(region(), { leader: peer(99, 9) }))).toThrow(/leader/);
  });
});

describe('reports that can be, though heartbeats between were lost', () => {
  test('several membership changes at once', () => {
    const scheduler = createBootstrapped();
    const peers = [peer(12, 2), peer(13, 3)];
    scheduler.regionHeartbeat(report(region({ confVer: 4, peers })));
    expect(scheduler.mustRegionById(1).peers).toEqual(peers);
  });

  test('a child of a child reports before either parent', () => {
    const scheduler = createBootstrapped();
    scheduler.regionHeartbeat(report(region({ id: 3, start: 'm', version: 3, peers: [peer(31, 1)] })));
    scheduler.regionHeartbeat(report(region({ id: 2, start: 'c', end: 'm', version: 3, peers: [peer(21, 1)] })));
    scheduler.regionHeartbeat(report(region({ end: 'c', version: 2 })));
    expect(scheduler.regions().map((known) => known.region.id)).toEqual([1, 2, 3]);
  });

  test('the parent as it was before the split is stale, though it left the tree', () => {
    const scheduler = createBootstrapped();
    scheduler.regionHeartbeat(report(region({ id: 2, start: 'm', version: 2, peers: [peer(21, 1)] })));
    expect(scheduler.regionHeartbeat(report(region()))).toEqual({ type: 'stale' });
    expect(scheduler.staleHeartbeats).toBe(1);
  });
});

describe('what a test looks at', () => {
  test('pending peers follow each report', () => {
    const scheduler = createBootstrapped();
    const added = peer(12, 2);
    scheduler.addPeer(1, added);
    const grown = region({ confVer: 2, peers: [peer(11, 1), added] });
    scheduler.regionHeartbeat(report(grown, { pendingPeers: [added] }));
    expect(scheduler.isSettled(1)).toBe(false);
    expect(() => scheduler.mustHavePeer(1, added)).toThrow(/catching up/);
    scheduler.regionHeartbeat(report(grown));
    scheduler.mustHavePeer(1, added);
    expect(scheduler.isSettled(1)).toBe(true);
    expect(() => scheduler.mustNotHavePeer(1, added)).toThrow(/has this peer/);
    expect(scheduler.mustLeader(1)).toEqual(peer(11, 1));
  });

  test('an order that can no longer be carried out is dropped', () => {
    const scheduler = createBootstrapped();
    scheduler.transferLeader(1, peer(77, 7));
    const outcome = scheduler.regionHeartbeat(report(region()));
    expect(outcome).toMatchObject({ type: 'answered', response: { transferLeader: undefined } });
    expect(scheduler.isSettled(1)).toBe(true);
  });

  test('while unavailable, calls reject and heartbeats are lost', async () => {
    const scheduler = createBootstrapped();
    const client = scheduler.createClient();
    scheduler.available = false;
    await expect(client.allocId()).rejects.toMatchObject({ code: 'unavailable' });
    client.regionHeartbeat(report(region()));
    expect(scheduler.regions()).toEqual([]);
    scheduler.available = true;
    client.regionHeartbeat(report(region()));
    expect(scheduler.regions()).toHaveLength(1);
  });
});
