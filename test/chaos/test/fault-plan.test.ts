import { expect, it } from 'vitest';
import { allFaultKinds, faultKinds } from '../src/fault/fault-kind.ts';
import { type FaultPlanOptions, type FaultStep, planFaults } from '../src/fault/fault-plan.ts';
import { drawDirections } from '../src/fault/network-fault.ts';

const options: FaultPlanOptions = { seed: 1, kinds: allFaultKinds, nodes: 3, maxHoldMs: 12_000 };

function steps(count: number, changes: Partial<FaultPlanOptions> = {}): FaultStep[] {
  const plan = planFaults({ ...options, ...changes });
  return Array.from({ length: count }, () => plan.next().value);
}

it('is the same for the same seed, and another for another', () => {
  expect(steps(50)).toEqual(steps(50));
  expect(steps(50, { seed: 2 })).not.toEqual(steps(50));
});

it('has every kind in each round', () => {
  const firsts = steps(3 * allFaultKinds.length).map(({ faults }) => faults[0]?.kind);
  for (const round of [0, 1, 2]) {
    const kinds = firsts.slice(round * allFaultKinds.length, (round + 1) * allFaultKinds.length);
    expect([...kinds].sort()).toEqual([...allFaultKinds].sort());
  }
});

it('has kinds in another order in another round', () => {
  const firsts = steps(2 * allFaultKinds.length).map(({ faults }) => faults[0]?.kind);
  expect(firsts.slice(0, allFaultKinds.length)).not.toEqual(firsts.slice(allFaultKinds.length));
});

it('lets two faults of different kinds meet now and then', () => {
  const many = steps(1_000);
  const pairs = many.filter(({ faults }) => faults.length === 2);
  expect(pairs.length).toBeGreaterThan(100);
  expect(pairs.length).toBeLessThan(300);
  expect(pairs.every(({ faults }) => faults[0]?.kind !== faults[1]?.kind)).toBe(true);
  expect(steps(100, { kinds: ['kill-node'] }).every(({ faults }) => faults.length === 1)).toBe(true);
});

it('holds faults as long as their kind asks, and no longer than the run allows', () => {
  const faults = steps(2_000).flatMap((step) => step.faults);
  for (const { kind, holdMs, node } of faults) {
    const [shortest, longest] = faultKinds[kind].holdMs;
    expect(holdMs).toBeGreaterThanOrEqual(shortest);
    expect(holdMs).toBeLessThanOrEqual(Math.min(longest, options.maxHoldMs));
    expect([0, 1, 2]).toContain(node);
  }
  const pauses = (all: readonly { kind: string; holdMs: number }[]) => all.filter(({ kind }) => kind === 'pause-node');
  expect(Math.max(...pauses(faults).map(({ holdMs }) => holdMs))).toBeGreaterThan(10_000);
  const short = steps(500, { maxHoldMs: 500 }).flatMap((step) => step.faults);
  expect(pauses(short).every(({ holdMs }) => holdMs === 1_000)).toBe(true);
});

it('hits leaders often, and always where the kind says so', () => {
  const faults = steps(1_000).flatMap((step) => step.faults);
  const of = (kind: string) => faults.filter((fault) => fault.kind === kind).map(({ hitsLeader }) => hitsLeader);
  expect(new Set(of('kill-leader'))).toEqual(new Set([true]));
  expect(new Set(of('kill-node'))).toEqual(new Set([false]));
  expect(new Set(of('fill-disk'))).toEqual(new Set([true, false]));
});

it('refuses a plan of nothing', () => {
  expect(() => steps(1, { kinds: [] })).toThrow('a plan needs a kind of fault');
});

it('draws at least one direction to cut, never from a member to itself, and not always all', () => {
  const all = 4 * 3;
  const sizes = Array.from({ length: 200 }, (_, draw) => {
    const directions = drawDirections(3, draw);
    expect(directions.every(([from, to]) => from !== to)).toBe(true);
    expect(new Set(directions.map(String)).size).toBe(directions.length);
    return directions.length;
  });
  expect(Math.min(...sizes)).toBeGreaterThanOrEqual(1);
  expect(Math.min(...sizes)).toBeLessThan(Math.max(...sizes));
  expect(Math.max(...sizes)).toBeLessThan(all);
  expect(drawDirections(3, 5)).toEqual(drawDirections(3, 5));
});
