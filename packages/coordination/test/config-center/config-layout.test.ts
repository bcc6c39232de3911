import { expect, test } from 'vitest';
import { ConfigLayout } from '../../src/config-center/config-layout.ts';
import { isInRange } from '../../src/index.ts';

const layout = new ConfigLayout('/config');
const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString('utf8');

test('keys are texts that people can read with other tools', () => {
  expect(text(layout.valueKey('app/limits'))).toBe('/config/app/limits');
  expect(text(layout.versionKey('app/limits', 7))).toBe('/config.history/app/limits@00000000000000000007');
  expect(layout.sequenceOf(layout.versionKey('app/limits', 7))).toBe(7);
  expect(layout.keyOfValue(layout.valueKey('größe/\u{1F600}'))).toBe('größe/\u{1F600}');
});

test('no history lies among the values', () => {
  expect(isInRange(layout.versionKey('a', 1), layout.valueRange(''))).toBe(false);
});

test.each([
  ['a', 'a@00000000000000000001'],
  ['a', 'a/b'],
  ['a', 'a@'],
  ['a@', 'a%40'],
  ['a%40', 'a@'],
])('the history of %s holds none of %s', (key, other) => {
  expect(isInRange(layout.versionKey(key, 1), layout.versionRange(key))).toBe(true);
  expect(isInRange(layout.versionKey(other, 1), layout.versionRange(key))).toBe(false);
});

test('the versions below a number are those before it', () => {
  const range = layout.versionRange('a', 10);
  expect([1, 9, 10, 11].map((sequence) => isInRange(layout.versionKey('a', sequence), range))).toEqual([
    true,
    true,
    false,
    false,
  ]);
});
