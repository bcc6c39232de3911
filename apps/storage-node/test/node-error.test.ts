import { expect, test } from 'vitest';
import { NodeError, toNodeError } from '../src/node-error.ts';

function coded(code: string, cause?: unknown): Error {
  return Object.assign(new Error(`it is ${code}`, { cause }), { code });
}

test.each([
  [coded('engineLocked'), 'directoryInUse', 75],
  [coded('diskFailure', coded('corruptedRecord')), 'damagedData', 65],
  [coded('addressInUse', coded('EADDRINUSE')), 'portInUse', 72],
  [coded('clusterMismatch'), 'otherCluster', 76],
  [coded('formatVersionMismatch'), 'otherVersion', 78],
  [coded('somethingNew'), 'internal', 70],
  ['no error at all', 'internal', 70],
])('names %s', (cause, code, exitCode) => {
  expect(toNodeError('cannot start', cause)).toMatchObject({ code, exitCode, cause });
});

test('keeps an error that is named already', () => {
  const named = new NodeError('otherCluster', 'of another cluster');
  expect(toNodeError('cannot start', named)).toBe(named);
});
