/** What a record is: an entry of a region's log, or the region's raft state. */
export type RaftRecordKind = 'entry' | 'raftState';

/** Where a damaged record is, and what is wrong with it. */
export interface RecordDamage {
  readonly kind: RaftRecordKind;
  readonly regionId: number;
  /** The entry's index; `undefined` for a raft state. */
  readonly index: number | undefined;
  readonly expected: string;
  readonly found: string;
}

/**
 * A record of the raft database is missing or is not what was written. Nothing of it is served. The store that meets it
 * must not go on with that region: what it acknowledged may be gone.
 */
export class CorruptedRecordError extends Error {
  readonly code = 'corruptedRecord';
  /** The database's directory; `undefined` in memory. */
  readonly path: string | undefined;
  readonly damage: RecordDamage;

  constructor(path: string | undefined, damage: RecordDamage, options?: ErrorOptions) {
    const place = damage.index === undefined ? 'raft state' : `log entry ${damage.index}`;
    super(
      `corrupted record: ${place} of region ${damage.regionId} in ${path ?? 'memory'}: ` +
        `expected ${damage.expected}, found ${damage.found}`,
      options,
    );
    this.name = 'CorruptedRecordError';
    this.path = path;
    this.damage = damage;
  }
}
