import { plainViolation, type Verdict, verdictOf } from './verdict.ts';

/** What an observer saw of a region, at one time. */
export interface EpochObservation {
  /** Who saw it: a store, the scheduler, a client; the observations of one observer are in the order in which they were made. */
  readonly observer: string;
  readonly regionId: number;
  readonly confVer: number;
  readonly version: number;
  /** The region's range and peers in any fixed form; regions of equal epochs must have equal shapes. Empty says nothing. */
  readonly shape: string;
}

/**
 * Checks that no observer sees an epoch go back, in either of its numbers, and that one epoch never names two shapes of a
 * region.
 */
export function checkEpochs(observations: Iterable<EpochObservation>): Verdict {
  const checker = 'epochs';
  const latest = new Map<string, EpochObservation>();
  const shapes = new Map<string, EpochObservation>();
  let steps = 0;
  for (const observation of observations) {
    steps += 1;
    const { observer, regionId, confVer, version, shape } = observation;
    const before = latest.get(`${regionId} ${observer}`);
    if (before !== undefined && (confVer < before.confVer || version < before.version)) {
      const message =
        `${observer} sees the epoch of region ${regionId} go from ${epochOf(before)} ` +
        `to ${epochOf(observation)} (confVer, version)`;
      return verdictOf(checker, steps, plainViolation(message));
    }
    latest.set(`${regionId} ${observer}`, observation);
    if (shape === '') continue;
    const twin = shapes.get(`${regionId} ${confVer} ${version}`);
    if (twin !== undefined && twin.shape !== shape) {
      const message =
        `region ${regionId} has two shapes at epoch ${epochOf(observation)}: ` +
        `${twin.shape} to ${twin.observer}, ${shape} to ${observer}`;
      return verdictOf(checker, steps, plainViolation(message));
    }
    shapes.set(`${regionId} ${confVer} ${version}`, observation);
  }
  return verdictOf(checker, steps, undefined);
}

function epochOf({ confVer, version }: EpochObservation): string {
  return `${confVer}, ${version}`;
}
