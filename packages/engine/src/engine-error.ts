/**
 * Why an engine refused or failed.
 *
 * - `engineClosed`: used after `close`, or before it was open.
 * - `engineLocked`: the directory is in use by another process, or by another owner in this thread.
 * - `engineNotFound`: no database where one has to be.
 * - `engineCorrupted`: the storage found itself damaged.
 * - `engineReadOnly`: a write to an engine that was opened for reading.
 * - `engineFailed`: an earlier write failed, so that later ones could not be recovered; open it again.
 * - `engineIo`: the system's I/O failed; `cause` has its error.
 * - `diskFull`: no space, quota or inodes left.
 * - `snapshotClosed`: a snapshot used after its `close`.
 * - `invalidKey`: an empty key.
 * - `formatVersionMismatch`: the data directory was written by another version.
 */
export type EngineErrorCode =
  | 'engineClosed'
  | 'engineLocked'
  | 'engineNotFound'
  | 'engineCorrupted'
  | 'engineReadOnly'
  | 'engineFailed'
  | 'engineIo'
  | 'diskFull'
  | 'snapshotClosed'
  | 'invalidKey'
  | 'formatVersionMismatch';

/** A failure at the edge to the storage. */
export class EngineError extends Error {
  readonly code: EngineErrorCode;
  /** Where the database lives; `undefined` in memory. */
  readonly path: string | undefined;

  constructor(code: EngineErrorCode, message: string, path?: string, options?: ErrorOptions) {
    super(path === undefined ? message : `${message} (${path})`, options);
    this.name = 'EngineError';
    this.code = code;
    this.path = path;
  }
}

/** Refuses an empty key, which no database here may hold. @throws {EngineError} with code `invalidKey`. */
export function checkKey(key: Uint8Array): void {
  if (key.length === 0) throw new EngineError('invalidKey', 'a key must have at least one byte');
}
