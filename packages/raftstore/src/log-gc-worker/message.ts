/** Deletes the log entries of a region in [startIndex, endIndex); the compaction that gave them up is durable. */
export interface LogGcTask {
  readonly regionId: number;
  /** 0 seeks the first entry there is. */
  readonly startIndex: number;
  readonly endIndex: number;
}

/** The entries of a region below `endIndex` are gone. */
export interface LogGcResult {
  readonly regionId: number;
  readonly endIndex: number;
  /** Indexes covered. */
  readonly collected: number;
}
