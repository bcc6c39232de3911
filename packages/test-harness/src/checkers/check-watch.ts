import { plainViolation, type Verdict, verdictOf } from './verdict.ts';

/** A change of one key at a revision; a revision may change several keys. */
export interface WatchChange {
  readonly revision: number;
  readonly key: string;
}

/** What one watch delivered. */
export interface WatchRecord {
  readonly name: string;
  /** The first revision that it was to deliver. */
  readonly startRevision: number;
  /** The batches delivered, in order; over all reconnections, as the watcher's own code saw them. */
  readonly batches: readonly (readonly WatchChange[])[];
  /** Through which revision the watcher was told that it has everything (a bookmark); 0 when it was not told. */
  readonly completeThrough: number;
}

/**
 * Checks what a watch delivered against the changes that were `committed`, in order of revision and, within a revision, in
 * the order of the transaction: ordered, unique, without a gap, never part of a revision in a batch, and complete up to a
 * bookmark. `committed` holds only the changes that the watch covers.
 */
export function checkWatch(committed: readonly WatchChange[], watch: WatchRecord): Verdict {
  const expected = committed.filter(({ revision }) => revision >= watch.startRevision);
  let position = 0;
  const convict = (message: string): Verdict =>
    verdictOf('watch', position, plainViolation(`watch ${watch.name}: ${message}`));
  for (const batch of watch.batches) {
    for (const { revision, key } of batch) {
      const due = expected[position];
      if (due?.revision !== revision || due.key !== key) {
        const wanted = due === undefined ? 'nothing' : describe(due);
        return convict(`delivers ${describe({ revision, key })} where ${wanted} is due`);
      }
      position += 1;
    }
    const last = batch.at(-1);
    if (last !== undefined && expected[position]?.revision === last.revision) {
      return convict(`delivers revision ${last.revision} in parts`);
    }
  }
  const missing = expected[position];
  if (missing !== undefined && missing.revision <= watch.completeThrough) {
    return convict(`is said to be complete through ${watch.completeThrough} and lacks ${describe(missing)}`);
  }
  return verdictOf('watch', position, undefined);
}

function describe({ revision, key }: WatchChange): string {
  return `revision ${revision} of ${JSON.stringify(key)}`;
}
