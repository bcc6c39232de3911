import { type metapb, schedulerpb } from '@flotilla/protocol';
import { epochOf } from './region-epoch.ts';
import { compareKeys } from './region-tree.ts';
import { SchedulerError } from './scheduler-error.ts';

/** The most new regions that one split can ask ids for. */
export const maxSplitCount = 256;

/**
 * Checks how many new regions ids are asked for.
 *
 * @throws {SchedulerError} with code `invalidArgument` unless it is 1 to `maxSplitCount`.
 */
export function checkSplitCount(count: number): number {
  if (!Number.isSafeInteger(count) || count < 1 || count > maxSplitCount) {
    throw new SchedulerError('invalidArgument', `splitCount is ${count}; it must be from 1 to ${maxSplitCount}`);
  }
  return count;
}

/** The answer that hands out `ids`; the first is told in the old fields too. */
export function splitAnswer(ids: readonly schedulerpb.SplitID[]): schedulerpb.AskSplitResponse {
  const first = ids[0];
  return schedulerpb.AskSplitResponse.create({
    newRegionId: first?.newRegionId ?? 0,
    newPeerIds: first?.newPeerIds ?? [],
    ids,
  });
}

/**
 * Checks that the parts of a split are whole, distinct and follow each other without a gap.
 *
 * @throws {SchedulerError} with code `invalidArgument`.
 */
export function checkSplitParts(parts: readonly metapb.Region[]): void {
  if (parts.length < 2 || parts.length > maxSplitCount + 1) {
    throw new SchedulerError(
      'invalidArgument',
      `regions: ${parts.length} parts; a split has 2 to ${maxSplitCount + 1}`,
    );
  }
  parts.forEach((part, position) => {
    const problem = problemOf(part, parts[position + 1]);
    if (problem !== undefined) throw new SchedulerError('invalidArgument', `regions[${position}]: ${problem}`);
  });
  if (new Set(parts.map((part) => part.id)).size !== parts.length) {
    throw new SchedulerError('invalidArgument', 'regions: two parts with one id');
  }
  const versions = new Set(parts.map((part) => epochOf(part).version));
  if (versions.size > 1) throw new SchedulerError('invalidArgument', 'regions: parts of one split have one version');
}

function problemOf(part: metapb.Region, next: metapb.Region | undefined): string | undefined {
  if (part.id < 1) return 'no id';
  if (part.regionEpoch === undefined) return `no epoch in region ${part.id}`;
  if (part.endKey.length > 0 && compareKeys(part.startKey, part.endKey) >= 0) {
    return `the start key of region ${part.id} is not below its end key`;
  }
  if (next === undefined) return undefined;
  if (part.endKey.length === 0 || compareKeys(part.endKey, next.startKey) !== 0) {
    return `region ${part.id} does not end where region ${next.id} begins`;
  }
  return undefined;
}
