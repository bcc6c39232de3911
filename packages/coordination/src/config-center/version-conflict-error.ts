import { ConflictError } from '../coordination-error.ts';

/** A write was to replace one version and found another; nothing has changed. */
export class VersionConflictError extends ConflictError {
  readonly key: string;
  /** 0 for "no value yet". */
  readonly expectedVersion: bigint;
  /** The version that is there; 0 for none. */
  readonly actualVersion: bigint;

  constructor(key: string, expectedVersion: bigint, actualVersion: bigint) {
    const found = actualVersion === 0n ? 'there is none' : `version ${actualVersion} is there`;
    const expected =
      expectedVersion === 0n ? 'no value was to be there yet' : `version ${expectedVersion} was expected`;
    super(`configuration ${JSON.stringify(key)}: ${expected}, ${found}`);
    this.key = key;
    this.expectedVersion = expectedVersion;
    this.actualVersion = actualVersion;
  }
}
