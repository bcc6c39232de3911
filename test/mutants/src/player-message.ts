/** What a player is asked: to play one seed. */
export interface PlayRequest {
  readonly profile: string;
  readonly seed: number;
}

/** How the seed ended: what the simulation complained of, if it did. */
export interface PlayAnswer {
  readonly seed: number;
  readonly failure: string | undefined;
}
