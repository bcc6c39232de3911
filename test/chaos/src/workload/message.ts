/** What the workload is to do. */
export interface WorkloadOptions {
  readonly schedulerAddress: string;
  readonly seed: number;
  /** Clients that put, get and delete, each one operation at a time. */
  readonly clients: number;
  /** Operations of all clients in a second, when nothing is in the way. */
  readonly rate: number;
  readonly historyPath: string;
}

/** What the run tells the workload. */
export type WorkloadOrder =
  | { readonly type: 'start'; readonly options: WorkloadOptions }
  /** Stop; read everything once more first, when asked to. */
  | { readonly type: 'finish'; readonly readsAll: boolean };

/** Counts of what has ended so far. */
export interface WorkloadProgress {
  readonly ok: number;
  readonly failed: number;
  readonly unknown: number;
  /** When the last write was acknowledged, by `wallMs`; 0 before the first. */
  readonly ackedAtMs: number;
}

/** What the workload tells the run. */
export type WorkloadReport =
  /** The origin of the history's times, by `wallMs`. */
  | { readonly type: 'started'; readonly originMs: number }
  | { readonly type: 'progress'; readonly progress: WorkloadProgress }
  /** A client said something that its contract does not allow. */
  | { readonly type: 'oddity'; readonly text: string }
  /** The history is complete; `complaint` says why the last reads are not in it though they were asked for. */
  | { readonly type: 'finished'; readonly complaint: string | undefined };

/** Milliseconds since the Unix epoch that never go back and that all processes of a machine share. */
export function wallMs(): number {
  return performance.timeOrigin + performance.now();
}
