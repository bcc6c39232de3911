import { expect, test } from 'vitest';
import { isInRange, prefixRange } from '../src/index.ts';

const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values);

test('a prefix is the range up to the next prefix of its length', () => {
  expect(prefixRange(bytes(1, 2)).end).toEqual(bytes(1, 3));
});

test('a prefix that ends in the highest byte carries', () => {
  expect(prefixRange(bytes(1, 0xff, 0xff)).end).toEqual(bytes(2));
});

test('a prefix that is a Buffer is left as it was', () => {
  const prefix = Buffer.from('app');
  const range = prefixRange(prefix);
  expect(prefix.toString()).toBe('app');
  expect(range).toEqual({ key: Buffer.from('app'), end: bytes(...Buffer.from('apq')) });
});

test('a prefix of highest bytes, and the empty one, have no end', () => {
  expect(prefixRange(bytes(0xff))).toEqual({ key: bytes(0xff), end: bytes() });
  expect(prefixRange(bytes())).toEqual({ key: bytes(0), end: bytes() });
});

test('a range holds its first key and not its end, and one key holds itself alone', () => {
  const range = prefixRange(bytes(5));
  expect([bytes(4, 9), bytes(5), bytes(5, 0xff), bytes(6)].map((key) => isInRange(key, range))).toEqual([
    false,
    true,
    true,
    false,
  ]);
  expect(isInRange(bytes(5), { key: bytes(5) })).toBe(true);
  expect(isInRange(bytes(5, 0), { key: bytes(5) })).toBe(false);
  expect(isInRange(bytes(0xff, 1), { key: bytes(5), end: bytes() })).toBe(true);
});
