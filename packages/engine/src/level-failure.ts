import { EngineError, type EngineErrorCode } from './engine-error.ts';

/** Codes of abstract-level and LevelDB, and what they are called here. */
const codeOfLevel: Readonly<Record<string, EngineErrorCode>> = {
  LEVEL_LOCKED: 'engineLocked',
  LEVEL_CORRUPTION: 'engineCorrupted',
  LEVEL_DATABASE_NOT_OPEN: 'engineClosed',
  LEVEL_ITERATOR_NOT_OPEN: 'engineClosed',
  LEVEL_BATCH_NOT_OPEN: 'engineClosed',
  LEVEL_SNAPSHOT_NOT_OPEN: 'snapshotClosed',
  ENOSPC: 'diskFull',
  EDQUOT: 'diskFull',
};

/** LevelDB passes on the text of errno only. */
const diskFullText = /no space left on device|disk quota exceeded/i;

/**
 * The engine's error for whatever classic-level or the system threw, which is kept as `cause`. A failure to open comes as
 * `LEVEL_DATABASE_NOT_OPEN` around the reason, so the innermost known code decides.
 */
export function toEngineError(thrown: unknown, what: string, path: string): EngineError {
  if (thrown instanceof EngineError) return thrown;
  let code: EngineErrorCode | undefined;
  for (let error = thrown; error instanceof Error; error = error.cause) {
    if (diskFullText.test(error.message)) code = 'diskFull';
    else {
      const level: unknown = 'code' in error ? error.code : undefined;
      const known = typeof level === 'string' ? codeOfLevel[level] : undefined;
      code = known ?? (error === thrown ? undefined : 'engineIo');
    }
  }
  const reason = thrown instanceof Error ? innermost(thrown).message : String(thrown);
  return new EngineError(code ?? 'engineIo', `${what} failed: ${reason}`, path, { cause: thrown });
}

function innermost(error: Error): Error {
  return error.cause instanceof Error ? innermost(error.cause) : error;
}
