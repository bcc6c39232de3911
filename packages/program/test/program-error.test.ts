import { expect, test } from 'vitest';
import { commonMeanings, meaningOf, reasonOf } from '../src/program-error.ts';

function coded(code: string, cause?: unknown): Error {
  return Object.assign(new Error(`it is ${code}`, { cause }), { code });
}

test.each([
  [coded('engineLocked'), 'directoryInUse'],
  [coded('addressInUse', coded('EADDRINUSE')), 'portInUse'],
  [coded('engineLocked', coded('engineCorrupted')), 'damagedData'],
  [coded('somethingNew'), 'internal'],
  ['no error at all', 'internal'],
])('takes the meaning nearest the cause of %s', (cause, meaning) => {
  expect(meaningOf(cause, commonMeanings)).toBe(meaning);
});

test('finds words for whatever was thrown', () => {
  expect(reasonOf(new Error('full'))).toBe('full');
  expect(reasonOf('full')).toBe('full');
});
