import { checkReplicaHashes, ProcessUnderTest, type ReplicaHash, type Verdict } from '@flotilla/test-harness';
import { programs } from '../programs.ts';

const limitMs = 60_000;

/** What `flotilla region hash --all --json` prints, as far as it is looked at. */
interface RegionHashes {
  readonly regions: readonly {
    readonly regionId: number;
    readonly index: number;
    readonly replicas: readonly {
      readonly storeId: number;
      readonly hash: string | null;
      readonly problem: string;
    }[];
  }[];
}

/** Has every region's replicas compared by the command line. */
export async function compareReplicas(schedulerAddress: string): Promise<Verdict> {
  const global = ['--scheduler', schedulerAddress, '--timeout-ms', String(limitMs), '--json'];
  const args = [programs.flotilla, ...global, 'region', 'hash', '--all'];
  const { code, output, errors } = await new ProcessUnderTest('flotilla', args, { isDetached: true }).ended;
  try {
    return judgeHashes(JSON.parse(output.toString()) as RegionHashes);
  } catch {
    const reason = `the replicas could not be compared: exit code ${code}: ${errors.trim()}`;
    return { checker: 'replica hashes', outcome: 'undecided', steps: 0, reason };
  }
}

/** A replica without a hash has shown nothing, so that nothing is decided. */
export function judgeHashes({ regions }: RegionHashes): Verdict {
  const hashes: ReplicaHash[] = [];
  const problems: string[] = [];
  for (const { regionId, index, replicas } of regions) {
    for (const { storeId, hash, problem } of replicas) {
      if (hash === null) problems.push(`region ${regionId}, store ${storeId}: ${problem}`);
      else hashes.push({ regionId, storeId, appliedIndex: index, hash });
    }
  }
  const verdict = checkReplicaHashes(hashes, { isConverged: true });
  if (verdict.outcome === 'violated' || (problems.length === 0 && hashes.length > 0)) return verdict;
  const reason = problems.join('; ') || 'there are no regions';
  return { checker: verdict.checker, outcome: 'undecided', steps: verdict.steps, reason };
}
