/** A replica whose data are not those of its region's leader. */
export interface Inconsistency {
  readonly regionId: number;
  readonly peerId: number;
  /** The log entry up to which both had applied when they were hashed. */
  readonly index: number;
  /** The leader's hash. */
  readonly expected: Uint8Array;
  /** This replica's. */
  readonly found: Uint8Array;
}
