import { readFile, rename, rm, writeFile } from 'node:fs/promises';

/** How far a file has been loaded into a cluster: everything before `offset` is acknowledged. */
export interface LoadCheckpoint {
  readonly version: 1;
  readonly clusterId: number;
  /** Lines before `offset`. */
  readonly line: number;
  /** Bytes from the start of the file. */
  readonly offset: number;
  /** SHA-256 of the file's first `offset` bytes, in hexadecimal. */
  readonly fingerprint: string;
  /** Records written and lines skipped so far, over all runs. */
  readonly records: number;
  readonly skipped: number;
}

/** Where the checkpoint of `inputPath` is kept: beside it. */
export function checkpointPath(inputPath: string): string {
  return `${inputPath}.flotilla-load.json`;
}

/** The checkpoint of an input; `undefined` when there is none, or none that can be used. */
export async function readCheckpoint(inputPath: string): Promise<LoadCheckpoint | undefined> {
  let text: string;
  try {
    text = await readFile(checkpointPath(inputPath), 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  try {
    const parsed = JSON.parse(text) as unknown;
    return isCheckpoint(parsed) ? parsed : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Replaces the checkpoint. It need not be durable: losing it costs a repetition, never a record. It must never be ahead of
 * what is acknowledged, hence the rename, which shows either the old one or the new one.
 */
export async function writeCheckpoint(inputPath: string, checkpoint: LoadCheckpoint): Promise<void> {
  const path = checkpointPath(inputPath);
  const temporary = `${path}.${process.pid}.tmp`;
  await writeFile(temporary, `${JSON.stringify(checkpoint)}\n`);
  await rename(temporary, path);
}

/** Forgets the checkpoint, if there is one. */
export async function removeCheckpoint(inputPath: string): Promise<void> {
  await rm(checkpointPath(inputPath), { force: true });
}

function isCheckpoint(value: unknown): value is LoadCheckpoint {
  if (typeof value !== 'object' || value === null) return false;
  const fields = value as Readonly<Record<string, unknown>>;
  const counts = ['clusterId', 'line', 'offset', 'records', 'skipped'];
  return (
    fields['version'] === 1 &&
    typeof fields['fingerprint'] === 'string' &&
    counts.every((name) => Number.isSafeInteger(fields[name]) && (fields[name] as number) >= 0)
  );
}
