import { plainViolation, type Verdict, verdictOf } from './verdict.ts';

/** The hash of one replica's state at one applied index. */
export interface ReplicaHash {
  readonly regionId: number;
  readonly storeId: number;
  readonly appliedIndex: number;
  readonly hash: string;
}

/** What {@link checkReplicaHashes} asks beyond equal hashes. */
export interface ReplicaHashOptions {
  /** Whether all replicas of a region must have reached the same index, as after a quiet phase; default false. */
  readonly isConverged?: boolean;
}

/** Checks that replicas of a region that applied the same log prefix have the same state. */
export function checkReplicaHashes(hashes: Iterable<ReplicaHash>, options: ReplicaHashOptions = {}): Verdict {
  const checker = 'replica hashes';
  const byIndex = new Map<string, ReplicaHash>();
  const byRegion = new Map<number, ReplicaHash>();
  let steps = 0;
  for (const replica of hashes) {
    steps += 1;
    const { regionId, storeId, appliedIndex, hash } = replica;
    const twin = byIndex.get(`${regionId} ${appliedIndex}`) ?? replica;
    const other = byRegion.get(regionId) ?? replica;
    byIndex.set(`${regionId} ${appliedIndex}`, twin);
    byRegion.set(regionId, other);
    if (twin.hash !== hash) {
      const where = `region ${regionId} at index ${appliedIndex}`;
      const message = `${where}: store ${twin.storeId} has ${twin.hash}, store ${storeId} has ${hash}`;
      return verdictOf(checker, steps, plainViolation(message));
    }
    if (options.isConverged === true && other.appliedIndex !== appliedIndex) {
      const message =
        `region ${regionId}: store ${other.storeId} is at index ${other.appliedIndex}, ` +
        `store ${storeId} at ${appliedIndex}`;
      return verdictOf(checker, steps, plainViolation(message));
    }
  }
  return verdictOf(checker, steps, undefined);
}
