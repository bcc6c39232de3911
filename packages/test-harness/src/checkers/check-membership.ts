import { plainViolation, type Verdict, verdictOf } from './verdict.ts';

/** The members of a region at one conf_ver, each in any fixed form that tells its id and its role. */
export interface MembershipObservation {
  readonly regionId: number;
  readonly confVer: number;
  readonly peers: readonly string[];
}

/**
 * Checks that a region's members change step by step: one conf_ver names one set of members, and between two of them no
 * more members came, went or changed than the conf_ver rose by.
 */
export function checkMembership(observations: Iterable<MembershipObservation>): Verdict {
  const checker = 'membership';
  const regions = new Map<number, Map<number, readonly string[]>>();
  let steps = 0;
  for (const { regionId, confVer, peers } of observations) {
    steps += 1;
    const versions = regions.get(regionId) ?? new Map<number, readonly string[]>();
    regions.set(regionId, versions);
    const known = versions.get(confVer);
    if (known !== undefined && changesBetween(known, peers) > 0) {
      const message = `region ${regionId} has two memberships at conf_ver ${confVer}: ${known} and ${peers}`;
      return verdictOf(checker, steps, plainViolation(message));
    }
    versions.set(confVer, peers);
  }
  for (const [regionId, versions] of regions) {
    const violation = judgeSteps(regionId, versions);
    if (violation !== undefined) return verdictOf(checker, steps, plainViolation(violation));
  }
  return verdictOf(checker, steps, undefined);
}

function judgeSteps(regionId: number, versions: ReadonlyMap<number, readonly string[]>): string | undefined {
  let before: { readonly confVer: number; readonly peers: readonly string[] } | undefined;
  for (const [confVer, peers] of [...versions].sort(([a], [b]) => a - b)) {
    if (before !== undefined && changesBetween(before.peers, peers) > confVer - before.confVer) {
      const from = `${before.peers} at conf_ver ${before.confVer}`;
      return `region ${regionId} goes from ${from} to ${peers} at ${confVer}: more changes than steps`;
    }
    before = { confVer, peers };
  }
  return undefined;
}

/** Members that came, went, or changed; a changed one is one change, not two. */
function changesBetween(before: readonly string[], after: readonly string[]): number {
  const gone = before.filter((peer) => !after.includes(peer)).length;
  const come = after.filter((peer) => !before.includes(peer)).length;
  return Math.max(gone, come);
}
