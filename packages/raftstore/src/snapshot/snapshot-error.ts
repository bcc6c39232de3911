/** Why a snapshot could not be received, sent or applied. */
export type SnapshotErrorCode =
  /** As many as allowed are on their way. */
  | 'tooManySnapshots'
  /** The message or the stream is not what a snapshot is. */
  | 'malformedSnapshot'
  /** A file does not have the checksum that was announced. */
  | 'checksumMismatch'
  /** The region's state is not one that a snapshot can be made of. */
  | 'regionNotReady'
  /** The disk has no room for it. */
  | 'diskFull'
  /** The transfer took longer than allowed. */
  | 'timeout'
  /** The store is closing. */
  | 'closed';

/** A snapshot that could not be received, sent or applied. */
export class SnapshotError extends Error {
  readonly code: SnapshotErrorCode;

  constructor(code: SnapshotErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'SnapshotError';
    this.code = code;
  }
}
