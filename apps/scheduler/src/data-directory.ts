import { readdir } from 'node:fs/promises';
import { resolve } from 'node:path';
import { makeWritable, reasonOf } from '@flotilla/program';
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
  await makeWritable(path, notWritable);
  const names = await namesIn(path);
  const stranger = names.find((name) => !databaseFile.test(name));
  if (stranger === undefined) return path;
  const what = names.includes('FLOTILLA') ? "a storage node's directory" : `it holds ${stranger}`;
  throw new StartError(
    'damagedData',
    `${path} is not a scheduler's directory: ${what}; point --data-dir at an empty or a new directory`,
  );
}

async function namesIn(path: string): Promise<string[]> {
  try {
    return await readdir(path);
  } catch (cause) {
    throw notWritable(`cannot read the data directory ${path}: ${reasonOf(cause)}`, { cause });
  }
}

function notWritable(message: string, options: ErrorOptions): StartError {
  return new StartError('directoryNotWritable', message, options);
}
