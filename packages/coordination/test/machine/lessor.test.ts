import { MemoryEngine } from '@flotilla/engine';
import { coordinationpb } from '@flotilla/protocol';
import type { MachineLeadership, RegionMachine } from '@flotilla/raftstore';
import { type SimulatedRuntime, SimulatedWorld } from '@flotilla/runtime';
import { beforeEach, expect, test } from 'vitest';
import { createCoordinationMachine } from '../../src/index.ts';

const { create: command } = coordinationpb.Command;
const { create: query } = coordinationpb.Query;

/** A machine whose log is in the test's hands: proposals wait until `settle` applies them, or drops them. */
class Bench {
  readonly world = new SimulatedWorld(1);
  readonly runtime: SimulatedRuntime = this.world.createRuntime('leader');
  readonly machine: RegionMachine;
  readonly proposals: { readonly payload: Uint8Array; readonly resolve: (answer: Uint8Array | undefined) => void }[] =
    [];
  leadership: MachineLeadership | undefined = { term: 1 };
  #index = 0;

  constructor() {
    this.machine = createCoordinationMachine({ minLeaseTtlSeconds: 2, expireBatch: 3 }).create({
      regionId: 1,
      reader: new MemoryEngine(),
      runtime: this.runtime,
      propose: (payload) => new Promise((resolve) => this.proposals.push({ payload, resolve })),
    });
  }

  apply(payload: Uint8Array): Uint8Array {
    this.#index += 1;
    return this.machine.apply(payload, this.#index, { put: () => {}, delete: () => {} });
  }

  grant(id: bigint, seconds: bigint): void {
    const answer = this.apply(coordinationpb.Command.encode(command({ leaseGrant: { ID: id, TTL: seconds } })));
    expect(coordinationpb.Answer.decode(answer).error).toBeUndefined();
  }

  revoke(id: bigint): void {
    this.apply(coordinationpb.Command.encode(command({ leaseRevoke: { ID: id } })));
  }

  /** The code of the refusal, or the time that the lease has again. */
  keepAlive(id: bigint): number | bigint | undefined {
    const payload = coordinationpb.Query.encode(query({ leaseKeepAlive: { ID: id } }));
    const answer = coordinationpb.Answer.decode(this.machine.read(payload, this.leadership));
    return answer.error?.code ?? answer.leaseKeepAlive?.TTL;
  }

  remainingMs(id: bigint): number {
    const payload = coordinationpb.Query.encode(query({ leaseTimeToLive: { ID: id, keys: false } }));
    return coordinationpb.Answer.decode(this.machine.read(payload, this.leadership)).remainingMs;
  }

  get leases(): (bigint | undefined)[] {
    const payload = coordinationpb.Query.encode(query({ leaseLeases: {} }));
    const answer = coordinationpb.Answer.decode(this.machine.read(payload, this.leadership));
    return (answer.leaseLeases?.leases ?? []).map(({ ID }) => ID);
  }

  /** Lets time pass with a tick every 100 ms. */
  async pass(ms: number): Promise<void> {
    for (let passed = 0; passed < ms; passed += 100) {
      await this.world.advance(100);
      this.machine.tick(this.leadership);
    }
  }

  /** The leases that the oldest proposal ends, after it was applied or, without an outcome, dropped. */
  async settle(outcome: 'applied' | 'dropped' | 'appliedUnheard' = 'applied'): Promise<bigint[]> {
    const proposal = this.proposals.shift();
    expect(proposal).toBeDefined();
    if (proposal === undefined) return [];
    const answer = outcome === 'dropped' ? undefined : this.apply(proposal.payload);
    proposal.resolve(outcome === 'applied' ? answer : undefined);
    await this.world.advance(0);
    return coordinationpb.Command.decode(proposal.payload).expire?.leases.map(({ id }) => id) ?? [];
  }
}

let bench: Bench;

beforeEach(async () => {
  bench = new Bench();
  await bench.machine.load();
  bench.machine.tick(bench.leadership);
});

const { NotLeader, LeaseExpiring } = coordinationpb.ErrorCode;

test('a lease ends once its time is over, not before, and the log says so', async () => {
  bench.grant(1n, 5n);
  await bench.pass(4_900);
  expect(bench.proposals).toHaveLength(0);
  await bench.pass(300);
  expect(bench.leases).toEqual([1n]);
  expect(await bench.settle()).toEqual([1n]);
  expect(bench.leases).toEqual([]);
  expect(bench.keepAlive(1n)).toBe(0n);
});

test('a lease that is kept alive has its whole time again', async () => {
  bench.grant(1n, 5n);
  for (let round = 0; round < 5; round += 1) {
    await bench.pass(4_800);
    expect(bench.remainingMs(1n)).toBeLessThanOrEqual(200);
    expect(bench.keepAlive(1n)).toBe(5n);
    expect(bench.remainingMs(1n)).toBe(5_000);
  }
  await bench.pass(5_200);
  expect(bench.proposals).toHaveLength(1);
});

test('once the end of a lease is proposed it is kept alive no more, though nobody knows of the proposal', async () => {
  bench.grant(1n, 2n);
  await bench.pass(2_200);
  expect(bench.keepAlive(1n)).toBe(LeaseExpiring);
  await bench.settle('dropped');
  expect(bench.keepAlive(1n)).toBe(LeaseExpiring);
  await bench.pass(100);
  expect(await bench.settle('appliedUnheard')).toEqual([1n]);
  expect(bench.keepAlive(1n)).toBe(0n);
});

test('a new leader gives every lease its whole time', async () => {
  bench.grant(1n, 3n);
  await bench.pass(2_900);
  bench.leadership = undefined;
  bench.machine.tick(undefined);
  expect(bench.keepAlive(1n)).toBe(NotLeader);
  await bench.pass(10_000);
  expect(bench.proposals).toHaveLength(0);
  bench.leadership = { term: 3 };
  await bench.pass(2_900);
  expect(bench.proposals).toHaveLength(0);
  await bench.pass(400);
  expect(bench.proposals).toHaveLength(1);
});

test('a leader of a later term, never told that it was none in between, gives the whole time too', async () => {
  bench.grant(1n, 3n);
  await bench.pass(2_900);
  bench.leadership = { term: 2 };
  expect(bench.keepAlive(1n)).toBe(3n);
  await bench.pass(2_900);
  expect(bench.proposals).toHaveLength(0);
});

test('an end that was proposed in an earlier term, and is not settled, keeps the lease from being kept alive', async () => {
  bench.grant(1n, 2n);
  await bench.pass(2_200);
  bench.leadership = { term: 2 };
  bench.machine.tick(bench.leadership);
  expect(bench.keepAlive(1n)).toBe(LeaseExpiring);
  await bench.settle();
  expect(bench.keepAlive(1n)).toBe(0n);
});

test('time in which the leader stood still does not count', async () => {
  bench.grant(1n, 3n);
  await bench.pass(1_000);
  await bench.world.advance(60_000);
  bench.machine.tick(bench.leadership);
  expect(bench.proposals).toHaveLength(0);
  expect(bench.remainingMs(1n)).toBe(1_900);
  await bench.pass(1_700);
  expect(bench.proposals).toHaveLength(0);
  await bench.pass(400);
  expect(bench.proposals).toHaveLength(1);
});

test('a lease that is kept alive right after a standstill, before a tick, has no more than its time', async () => {
  bench.grant(1n, 3n);
  await bench.world.advance(60_000);
  expect(bench.keepAlive(1n)).toBe(3n);
  await bench.pass(3_200);
  expect(bench.proposals).toHaveLength(1);
});

test('leases end in batches, one after another', async () => {
  for (let id = 1n; id <= 8n; id += 1n) bench.grant(id, 2n);
  await bench.pass(2_200);
  expect(bench.proposals).toHaveLength(1);
  expect(await bench.settle()).toEqual([1n, 2n, 3n]);
  expect(await bench.settle()).toEqual([4n, 5n, 6n]);
  expect(await bench.settle()).toEqual([7n, 8n]);
  expect(bench.leases).toEqual([]);
});

test('a lease with the id of one whose end is in the log does not end with it', async () => {
  bench.grant(1n, 2n);
  await bench.pass(2_200);
  bench.revoke(1n);
  bench.grant(1n, 60n);
  expect(bench.keepAlive(1n)).toBe(60n);
  await bench.settle();
  expect(bench.leases).toEqual([1n]);
  await bench.pass(10_000);
  expect(bench.proposals).toHaveLength(0);
});

test('a lease that is granted again with a shorter time ends by that', async () => {
  bench.grant(1n, 500n);
  bench.revoke(1n);
  bench.grant(1n, 2n);
  await bench.pass(2_200);
  expect(await bench.settle()).toEqual([1n]);
});

test('the longest leases are timed like any others', async () => {
  bench.grant(1n, 9_000_000_000n);
  await bench.pass(200_000);
  expect(bench.proposals).toHaveLength(0);
  expect(bench.remainingMs(1n)).toBe(9_000_000_000_000 - 200_000);
});

test('the jumps of the wall clock move no lease', async () => {
  bench.grant(1n, 5n);
  bench.runtime.clock.jumpWall(3_600_000);
  await bench.pass(4_900);
  expect(bench.proposals).toHaveLength(0);
});
