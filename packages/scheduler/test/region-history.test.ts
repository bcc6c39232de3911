import { metapb, schedulerpb } from '@flotilla/protocol';
import { SimulatedWorld } from '@flotilla/runtime';
import { compareKeys, MockScheduler } from '@flotilla/scheduler-client';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { noKey, openCore, peer, region, store } from './fixtures.ts';

/** The regions of a cluster as they really are; every change is one that the consensus core can make. */
class TrueRegions {
  regions: metapb.Region[] = [region()];
  #nextId = 1000;

  split(pick: number, at: Uint8Array): void {
    const old = this.#pick(pick);
    const isInside = compareKeys(old.startKey, at) < 0 && (old.endKey.length === 0 || compareKeys(at, old.endKey) < 0);
    if (!isInside) return;
    const regionEpoch = { ...epoch(old), version: epoch(old).version + 1 };
    const peers = old.peers.map(({ storeId, role }) => ({ id: this.#id(), storeId, role }));
    const right = metapb.Region.create({ id: this.#id(), startKey: at, endKey: old.endKey, regionEpoch, peers });
    this.#replace([old], [{ ...old, endKey: at, regionEpoch }, right]);
  }

  /** The left region takes in its right neighbour. */
  merge(pick: number): void {
    const left = this.#pick(pick);
    const right = this.regions.find(
      (other) => left.endKey.length > 0 && compareKeys(other.startKey, left.endKey) === 0,
    );
    if (right === undefined) return;
    const version = Math.max(epoch(left).version, epoch(right).version) + 1;
    this.#replace([left, right], [{ ...left, endKey: right.endKey, regionEpoch: { ...epoch(left), version } }]);
  }

  changePeers(pick: number, storeId: number): void {
    const old = this.#pick(pick);
    const member = old.peers.find((other) => other.storeId === storeId);
    const { Learner, Voter } = metapb.PeerRole;
    const others = old.peers.filter((other) => other !== member);
    if (member !== undefined && !others.some(({ role }) => role === Voter)) return;
    const changed: metapb.Peer[] = member === undefined ? [{ ...peer(this.#id(), storeId), role: Learner }] : [];
    if (member?.role === Learner) changed.push({ ...member, role: Voter });
    const regionEpoch = { ...epoch(old), confVer: epoch(old).confVer + 1 };
    this.#replace([old], [{ ...old, peers: [...others, ...changed], regionEpoch }]);
  }

  reportOf(pick: number): schedulerpb.RegionHeartbeatRequest {
    const reported = this.#pick(pick);
    const leader = reported.peers.find(({ role }) => role === metapb.PeerRole.Voter);
    return schedulerpb.RegionHeartbeatRequest.create({ region: reported, leader });
  }

  #pick(pick: number): metapb.Region {
    return this.regions[pick % this.regions.length]!;
  }

  #replace(old: readonly metapb.Region[], by: readonly metapb.Region[]): void {
    this.regions = [...this.regions.filter((other) => !old.includes(other)), ...by];
    this.regions.sort((left, right) => compareKeys(left.startKey, right.startKey));
  }

  #id(): number {
    this.#nextId += 1;
    return this.#nextId;
  }
}

function epoch({ regionEpoch }: metapb.Region): metapb.RegionEpoch {
  return regionEpoch ?? { confVer: 0, version: 0 };
}

type Step =
  | { readonly type: 'split'; readonly pick: number; readonly at: number }
  | { readonly type: 'merge'; readonly pick: number }
  | { readonly type: 'changePeers'; readonly pick: number; readonly storeId: number }
  | { readonly type: 'send'; readonly pick: number }
  | { readonly type: 'deliver'; readonly pick: number };

const pick = fc.nat(999);
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({ type: fc.constant('split' as const), pick, at: fc.integer({ min: 1, max: 255 }) }),
  },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('merge' as const), pick }) },
  {
    weight: 2,
    arbitrary: fc.record({ type: fc.constant('changePeers' as const), pick, storeId: fc.integer({ min: 1, max: 4 }) }),
  },
  { weight: 5, arbitrary: fc.record({ type: fc.constant('send' as const), pick }) },
  { weight: 5, arbitrary: fc.record({ type: fc.constant('deliver' as const), pick }) },
);

test('whatever reports are lost, late or out of order, both schedulers end up with the truth, and the mock finds no fault', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { maxLength: 150, size: 'max' }),
      fc.array(pick, { minLength: 60, maxLength: 60 }),
      async (steps, order) => {
        const runtime = new SimulatedWorld(1).createRuntime('scheduler');
        const { core } = await openCore(runtime);
        const mock = new MockScheduler(runtime);
        await core.bootstrap(store(1), region());
        mock.bootstrap(store(1), region());
        const truth = new TrueRegions();
        const under: schedulerpb.RegionHeartbeatRequest[] = [];
        const deliver = (report: schedulerpb.RegionHeartbeatRequest): void => {
          core.regionHeartbeat(report);
          mock.regionHeartbeat(report);
        };
        for (const next of steps) {
          if (next.type === 'split') truth.split(next.pick, Uint8Array.of(next.at));
          if (next.type === 'merge') truth.merge(next.pick);
          if (next.type === 'changePeers') truth.changePeers(next.pick, next.storeId);
          if (next.type === 'send') under.push(truth.reportOf(next.pick));
          if (next.type === 'deliver' && under.length > 0)
            deliver(...(under.splice(next.pick % under.length, 1) as [never]));
        }
        const last = truth.regions.map((_, position) => truth.reportOf(position));
        while (last.length > 0) deliver(last.splice((order[last.length % order.length] ?? 0) % last.length, 1)[0]!);
        for (const late of under) deliver(late);
        expect(core.scanRegions(noKey, noKey, 1e6).map((view) => view.region)).toEqual(truth.regions);
        expect(mock.regions().map((known) => known.region)).toEqual(truth.regions);
      },
    ),
    { numRuns: 300 },
  );
});
