import { expect, it } from 'vitest';
import {
  elementKey,
  endOfPrefix,
  parseElementKey,
  registerKeys,
  registerPrefix,
  setPrefix,
} from '../src/workload/key-space.ts';
import { bytesOf, idOf } from '../src/workload/value-text.ts';

it('finds the set and the element of a key', () => {
  for (const set of [0, 1, 77]) {
    expect(parseElementKey(elementKey(set, 12_345))).toEqual({ prefix: setPrefix(set), element: 12_345 });
  }
});

it('takes a key that no element has for an element that nobody added', () => {
  expect(parseElementKey('s/0000-1/123')).toEqual({ prefix: 's/', element: 's/0000-1/123' });
});

it('scans all keys of a prefix and none of another', () => {
  for (const generation of [0, 9, 10]) {
    const [start, end] = [registerPrefix(generation), endOfPrefix(registerPrefix(generation))];
    for (const other of [0, 1, 9, 10, 99]) {
      for (const key of registerKeys(other)) expect(key >= start && key < end).toBe(other === generation);
    }
  }
});

it('puts neighbours far apart', () => {
  const order = Array.from({ length: 50 }, (_, set) => set).sort((a, b) => (setPrefix(a) < setPrefix(b) ? -1 : 1));
  const steps = order.slice(1).filter((set, position) => Math.abs(set - order[position]!) === 1);
  expect(steps.length).toBeLessThan(5);
});

it('knows a value again, and no part or mixture of values', () => {
  const [one, other] = [bytesOf('1.17'), bytesOf('1.18')];
  expect(idOf(one)).toBe('1.17');
  expect(idOf(other)).toBe('1.18');
  const flipped = Buffer.from(one);
  flipped[20]! ^= 1;
  for (const damaged of [
    one.subarray(0, -1),
    Buffer.concat([one, one]),
    flipped,
    Buffer.alloc(0),
    Buffer.from('1.17|'),
  ]) {
    expect(idOf(damaged)).toMatch(/^damaged value/);
  }
});
