import { mkdir, open, readdir, unlink } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { StartError } from './start-error.ts';

/** Names that LevelDB gives its files. */
const databaseFile = /^(CURRENT|LOCK|LOG(\.old)?|MANIFEST-\d+|\d+\.(log|ldb|sst|dbtmp))$/;

/**
 * Makes the directory of the database if need be, and checks that it is nothing else's and can be written to.
 *
 * @throws {StartError} with code `directoryNotWritable` or `damagedData`; nothing has been changed then.
 */
export async function openDataDirectory(dataDir: string): Promise<string> {
  const path = resolve(dataDir);
  const names = await makeWritable(path);
  const stranger = names.find((name) => !databaseFile.test(name));
  if (stranger === undefined) return path;
  const what = names.includes('FLOTILLA') ? "a storage node's directory" : `it holds ${stranger}`;
  throw new StartError(
    'damagedData',
    `${path} is not a scheduler's directory: ${what}; point --data-dir at an empty or a new directory`,
  );
}

/** The names in the directory. */
async function makeWritable(path: string): Promise<string[]> {
  const probe = join(path, `.write-probe-${process.pid}`);
  try {
    await mkdir(path, { recursive: true });
    const file = await open(probe, 'w');
    await file.close();
    await unlink(probe);
    return await readdir(path);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new StartError('directoryNotWritable', `cannot write to the data directory ${path}: ${reason}`, { cause });
  }
}
