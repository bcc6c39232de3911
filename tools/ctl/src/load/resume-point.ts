import type { PrefixState } from './acknowledged-prefix.ts';
import { type LoadCheckpoint, readCheckpoint } from './checkpoint.ts';
import { PrefixFingerprint } from './prefix-fingerprint.ts';
import { grouped } from './progress.ts';

/** The state of a load that begins at the first line. */
export const freshStart: PrefixState = { line: 0, offset: 0, records: 0, skipped: 0 };

/**
 * Where to go on with the file at `path` in the cluster `clusterId`; `fingerprint` is brought that far. What is found is
 * told through `note`, because a user must know why a load does not begin where they expect.
 */
export async function findResumePoint(
  path: string,
  clusterId: number,
  fingerprint: PrefixFingerprint,
  note: (text: string) => void,
): Promise<PrefixState> {
  const checkpoint = await readCheckpoint(path);
  if (checkpoint === undefined) return freshStart;
  if (checkpoint.clusterId !== clusterId) {
    note(`starting over: the earlier load of ${path} went into cluster ${checkpoint.clusterId}, this is ${clusterId}`);
    return freshStart;
  }
  const { line, offset, records, skipped } = checkpoint;
  if ((await fingerprintOf(path, checkpoint)) !== checkpoint.fingerprint) {
    note(`starting over: the first ${grouped(line)} lines of ${path} have changed since they were loaded`);
    return freshStart;
  }
  await fingerprint.advanceTo(offset);
  note(`resuming behind line ${grouped(line)} of ${path} (--restart begins at the first line)`);
  return { line, offset, records, skipped };
}

async function fingerprintOf(path: string, checkpoint: LoadCheckpoint): Promise<string | undefined> {
  const fingerprint = await PrefixFingerprint.open(path);
  try {
    return await fingerprint.advanceTo(checkpoint.offset);
  } finally {
    await fingerprint.close();
  }
}
