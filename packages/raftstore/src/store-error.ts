/** Why a store cannot be opened or has stopped. */
export type RaftStoreErrorCode =
  /** The directory belongs to another cluster. */
  | 'clusterMismatch'
  /** The databases hold data but no store identity. */
  | 'notEmpty'
  /** A record is missing or contradicts another; the message names its place. */
  | 'corrupted'
  /** The disk refused a write. */
  | 'diskFailure'
  /** No space is left on the disk. */
  | 'diskFull'
  /** A replica's data are not those of its leader, and the store is configured to stop then. */
  | 'inconsistent'
  /** An actor ended with an error. */
  | 'internalError';

/** A store that cannot be opened or has had to stop. */
export class RaftStoreError extends Error {
  readonly code: RaftStoreErrorCode;

  constructor(code: RaftStoreErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'RaftStoreError';
    this.code = code;
  }
}

/** Names what stopped a store: a full disk, a disk that fails, a damaged record, or a defect. */
export function toStoreError(what: string, cause: unknown): RaftStoreError {
  if (cause instanceof RaftStoreError) return cause;
  const detail = cause instanceof Error ? cause.message : String(cause);
  return new RaftStoreError(classify(cause), `${what}: ${detail}`, { cause });
}

function classify(cause: unknown): RaftStoreErrorCode {
  for (let error: unknown = cause; error instanceof Error; error = error.cause) {
    const code = (error as { code?: unknown }).code;
    if (code === 'noSpace' || code === 'diskFull' || code === 'ENOSPC' || /no space left/i.test(error.message)) {
      return 'diskFull';
    }
    if (code === 'corruptedRecord' || code === 'corrupted') return 'corrupted';
    if (code === 'invariantViolated') return 'internalError';
    if (error.name === 'EngineError' || (typeof code === 'string' && /^E[A-Z]+$/.test(code))) return 'diskFailure';
  }
  return 'internalError';
}
