/** What a player is asked: to play one seed. */
export interface PlayRequest {
  readonly profile: string;
  readonly seed: number;
}

/** How the seed ended: what the simulation complained of, if it did. */
export interface PlayAnswer {
  readonly seed: number;
  readonly failure: string | undefined;
  /** What the seed used of the processor. */
  readonly cpuMs: number;
}

/** What a seed may use of the processor before it is taken for one that does not end; the longest use a few seconds. */
export const seedCpuLimitMs = 60_000;
