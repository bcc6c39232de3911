import { plainViolation, type Verdict, verdictOf } from './verdict.ts';

/** A peer that held itself to be the leader of a region in a term. */
export interface LeaderObservation {
  readonly regionId: number;
  readonly term: number;
  readonly peerId: number;
}

/** Checks that no region has two leaders in one term. */
export function checkLeaders(observations: Iterable<LeaderObservation>): Verdict {
  const leaders = new Map<string, number>();
  let steps = 0;
  for (const { regionId, term, peerId } of observations) {
    steps += 1;
    const leader = leaders.get(`${regionId} ${term}`) ?? peerId;
    if (leader !== peerId) {
      const message = `region ${regionId} has two leaders in term ${term}: peers ${leader} and ${peerId}`;
      return verdictOf('leaders', steps, plainViolation(message));
    }
    leaders.set(`${regionId} ${term}`, peerId);
  }
  return verdictOf('leaders', steps, undefined);
}
