import { expect, test } from 'vitest';
import { EngineError } from '../src/engine-error.ts';
import { toEngineError } from '../src/level-failure.ts';

const failure = (code: string | undefined, message: string, cause?: Error): Error =>
  Object.assign(new Error(message, cause === undefined ? undefined : { cause }), code === undefined ? {} : { code });

test.each([
  ['engineLocked', failure('LEVEL_DATABASE_NOT_OPEN', 'not open', failure('LEVEL_LOCKED', 'IO error: lock /x/LOCK'))],
  ['engineCorrupted', failure('LEVEL_DATABASE_NOT_OPEN', 'not open', failure('LEVEL_CORRUPTION', 'Corruption: bad'))],
  ['engineIo', failure('LEVEL_DATABASE_NOT_OPEN', 'not open', failure('ENOTDIR', 'ENOTDIR: not a directory'))],
  ['diskFull', failure('LEVEL_DATABASE_NOT_OPEN', 'not open', failure('ENOSPC', 'ENOSPC: no space left on device'))],
  ['diskFull', failure('LEVEL_IO_ERROR', 'IO error: /x/000003.log: No space left on device')],
  ['diskFull', failure('LEVEL_IO_ERROR', 'IO error: /x/000003.log: Disk quota exceeded')],
  ['engineIo', failure('LEVEL_IO_ERROR', 'IO error: /x/000003.log: Input/output error')],
  ['engineClosed', failure('LEVEL_DATABASE_NOT_OPEN', 'Database is not open')],
  ['snapshotClosed', failure('LEVEL_SNAPSHOT_NOT_OPEN', 'Snapshot is not open')],
  ['engineIo', failure(undefined, 'something else')],
])('%s', (code, thrown) => {
  const error = toEngineError(thrown, 'a write', '/x');
  expect(error).toMatchObject({ name: 'EngineError', code, path: '/x', cause: thrown });
  expect(error.message).toMatch(/^a write failed: .+ \(\/x\)$/);
});

test("an engine's own error stays as it is", () => {
  const error = new EngineError('invalidKey', 'no key');
  expect(toEngineError(error, 'a write', '/x')).toBe(error);
});
