import { mkdir, open, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { reasonOf } from './program-error.ts';

/** Makes an error of the program of a message and its cause. */
export type RefuseDirectory = (message: string, options: ErrorOptions) => Error;

/**
 * Makes a directory if need be, and shows that it can be written to; nothing stays behind in it.
 *
 * @throws what `refuse` makes of the failure.
 */
export async function makeWritable(path: string, refuse: RefuseDirectory): Promise<void> {
  const probe = join(path, `.write-probe-${process.pid}`);
  try {
    await mkdir(path, { recursive: true });
    const file = await open(probe, 'w');
    await file.close();
    await unlink(probe);
  } catch (cause) {
    throw refuse(`cannot write to the data directory ${path}: ${reasonOf(cause)}`, { cause });
  }
}
