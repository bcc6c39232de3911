import { createSeededRandom } from '@flotilla/runtime';
import { expect, test } from 'vitest';
import { createMemberPicker } from '../../../src/registry/balancer/balancing-strategy.ts';
import type { Member, MemberPicker } from '../../../src/registry/balancer/member.ts';
import { weightOf } from '../../../src/registry/balancer/member.ts';
import { serviceInstance } from '../service-instance.ts';

interface TestMember extends Member {
  outstanding: number;
}

const random = createSeededRandom(7);

function membersOf(...ids: readonly string[]): TestMember[] {
  return ids.map((id) => ({ instance: serviceInstance(id), outstanding: 0 }));
}

function weighted(weights: Readonly<Record<string, string>>): TestMember[] {
  return Object.entries(weights).map(([id, weight]) => ({
    instance: serviceInstance(id, { metadata: { weight } }),
    outstanding: 0,
  }));
}

function picks(picker: MemberPicker, members: readonly Member[], count: number, key?: string): string[] {
  return Array.from({ length: count }, () => picker.pick(members, key).instance.instanceId);
}

function counts(ids: readonly string[]): Record<string, number> {
  const counted: Record<string, number> = {};
  for (const id of ids) counted[id] = (counted[id] ?? 0) + 1;
  return counted;
}

test('round robin gives each its turn', () => {
  const picker = createMemberPicker('roundRobin', random);
  expect(picks(picker, membersOf('a', 'b', 'c'), 7)).toEqual(['a', 'b', 'c', 'a', 'b', 'c', 'a']);
});

test('round robin goes on at its place when members come and go', () => {
  const picker = createMemberPicker('roundRobin', random);
  expect(picks(picker, membersOf('a', 'b', 'd'), 2)).toEqual(['a', 'b']);
  expect(picks(picker, membersOf('a', 'b', 'c', 'd'), 2)).toEqual(['c', 'd']);
  expect(picks(picker, membersOf('b', 'c'), 3)).toEqual(['b', 'c', 'b']);
});

test('random picks each about equally often, and not in turn', () => {
  const picker = createMemberPicker('random', createSeededRandom(11));
  const ids = picks(picker, membersOf('a', 'b', 'c', 'd'), 8_000);
  // Of 8,000 draws with a chance of a quarter, the standard deviation is 39; five of them.
  for (const count of Object.values(counts(ids))) expect(Math.abs(count - 2_000)).toBeLessThan(195);
  const repeats = ids.filter((id, index) => id === ids[index - 1]).length;
  expect(Math.abs(repeats - 2_000)).toBeLessThan(195);
});

test('weighted gives exactly the shares that the weights ask for, spread out', () => {
  const picker = createMemberPicker('weighted', random);
  const members = weighted({ a: '5', b: '1', c: '1' });
  expect(picks(picker, members, 7)).toEqual(['a', 'a', 'b', 'a', 'c', 'a', 'a']);
  expect(counts(picks(picker, members, 700))).toEqual({ a: 500, b: 100, c: 100 });
});

test('weighted is within one request of the share after any number of requests', () => {
  const picker = createMemberPicker('weighted', random);
  const weights = { a: 7, b: 3, c: 2.5 };
  const members = weighted({ a: '7', b: '3', c: '2.5' });
  const seen: Record<string, number> = { a: 0, b: 0, c: 0 };
  for (let request = 1; request <= 500; request += 1) {
    const id = picker.pick(members, undefined).instance.instanceId;
    seen[id] = (seen[id] ?? 0) + 1;
    for (const [member, weight] of Object.entries(weights)) {
      expect(Math.abs((seen[member] ?? 0) - (request * weight) / 12.5)).toBeLessThanOrEqual(1);
    }
  }
});

test('weighted gives nothing for weight 0, unless all have it', () => {
  const picker = createMemberPicker('weighted', random);
  expect(counts(picks(picker, weighted({ a: '0', b: '2' }), 10))).toEqual({ b: 10 });
  expect(counts(picks(picker, weighted({ a: '0', b: '0' }), 10))).toEqual({ a: 5, b: 5 });
});

test('weighted does not repay a member for the time that it was away', () => {
  const picker = createMemberPicker('weighted', random);
  picks(picker, weighted({ a: '1', b: '1' }), 5);
  picks(picker, weighted({ a: '1' }), 100);
  expect(counts(picks(picker, weighted({ a: '1', b: '1' }), 100))).toEqual({ a: 50, b: 50 });
});

test('a weight that is no number counts as 1, and a huge one is cut', () => {
  const weightsOf = (...weights: readonly string[]): number[] =>
    weights.map((weight) => weightOf(serviceInstance('a', { metadata: { weight } })));
  expect(weightsOf('2.5', '', 'many', '-1', 'NaN', '0', 'Infinity')).toEqual([2.5, 1, 1, 1, 1, 0, 1_000_000]);
  expect(weightOf(serviceInstance('a'))).toBe(1);
});

test('least connections picks who has the fewest requests under way, and equals in turn', () => {
  const picker = createMemberPicker('leastConn', random);
  const members = membersOf('a', 'b', 'c');
  const begun = Array.from({ length: 9 }, () => {
    const member = picker.pick(members, undefined);
    member.outstanding += 1;
    return member.instance.instanceId;
  });
  expect(counts(begun)).toEqual({ a: 3, b: 3, c: 3 });
  const [first, second] = members as [TestMember, TestMember, TestMember];
  first.outstanding = 1;
  second.outstanding = 0;
  expect(picks(picker, members, 3)).toEqual(['b', 'b', 'b']);
});

test('a sticky key stays with its member, and only the keys of a member that goes move', () => {
  const picker = createMemberPicker('sticky', random);
  const before = membersOf('a', 'b', 'c', 'd');
  const after = membersOf('a', 'b', 'd');
  const keys = Array.from({ length: 4_000 }, (_, index) => `customer-${index}`);
  const held = keys.map((key) => picker.pick(before, key).instance.instanceId);
  // As for `random`: five standard deviations.
  for (const count of Object.values(counts(held))) expect(Math.abs(count - 1_000)).toBeLessThan(137);
  const moved = keys.filter((key, index) => picker.pick(after, key).instance.instanceId !== held[index]);
  expect(moved.length).toBe(held.filter((id) => id === 'c').length);
});
