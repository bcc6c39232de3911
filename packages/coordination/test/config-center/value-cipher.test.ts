import { expect, test } from 'vitest';
import { ValueCipher } from '../../src/config-center/value-cipher.ts';
import { ValidationError } from '../../src/index.ts';

const keyOf = (id: string, byte: number) => ({ id, key: new Uint8Array(32).fill(byte) });

test('what was sealed is opened again, and does not show the value', () => {
  const cipher = new ValueCipher([keyOf('2026', 1)]);
  const sealed = cipher.seal('app/password', 'sesame – ✓');
  expect(sealed.keyId).toBe('2026');
  expect(Buffer.from(sealed.data, 'base64').includes('sesame')).toBe(false);
  expect(cipher.open('app/password', sealed)).toBe('sesame – ✓');
});

test('two values are never sealed with the same bytes, even equal ones', () => {
  const cipher = new ValueCipher([keyOf('k', 1)]);
  const [one, two] = [cipher.seal('a', 'x'), cipher.seal('a', 'x')];
  expect(one.iv).not.toBe(two.iv);
  expect(one.data).not.toBe(two.data);
});

test('the first key seals and every key opens, so that keys can be changed', () => {
  const old = new ValueCipher([keyOf('old', 1)]).seal('a', 'x');
  const both = new ValueCipher([keyOf('new', 2), keyOf('old', 1)]);
  expect(both.open('a', old)).toBe('x');
  expect(both.seal('a', 'x').keyId).toBe('new');
  expect(() => new ValueCipher([keyOf('new', 2)]).open('a', old)).toThrow(/encrypted with the key "old", which is not/);
});

test.each([
  ['another key of configuration', 'b', (data: Buffer) => data],
  ['a flipped bit', 'a', (data: Buffer) => data.fill((data[0] ?? 0) ^ 1, 0, 1)],
  ['a flipped bit of the tag', 'a', (data: Buffer) => data.fill((data.at(-1) ?? 0) ^ 1, data.length - 1)],
  ['a cut tag', 'a', (data: Buffer) => data.subarray(0, -4)],
  ['nothing', 'a', () => Buffer.alloc(0)],
])('a sealed value with %s is refused', (_name, key, change) => {
  const cipher = new ValueCipher([keyOf('k', 1)]);
  const sealed = cipher.seal('a', 'a value that is longer than its tag');
  const data = change(Buffer.from(sealed.data, 'base64')).toString('base64');
  expect(() => cipher.open(key, { ...sealed, data })).toThrow(ValidationError);
});

test('keys of the wrong length, none, or two of one id are refused', () => {
  expect(() => new ValueCipher([])).toThrow(/at least one key/);
  expect(() => new ValueCipher([{ id: 'k', key: new Uint8Array(16) }])).toThrow('key "k" has 16 bytes, not 32');
  expect(() => new ValueCipher([keyOf('k', 1), keyOf('k', 2)])).toThrow('two keys have the id "k"');
});
