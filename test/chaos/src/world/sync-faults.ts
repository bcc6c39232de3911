import { spawnSync } from 'node:child_process';
import { closeSync, openSync, readSync, writeFileSync, writeSync } from 'node:fs';
import { endianness } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const source = fileURLToPath(new URL('../../native/sync-faults.c', import.meta.url));
const wordBytes = 4;
const word = { fails: 0, delayMs: 1, failed: 2, called: 3 } as const;

/** What the syncs of one process do. Its library is in `native/sync-faults.c`, where the words are described. */
export class SyncFaults {
  /** What a process needs in its environment. */
  readonly environment: Readonly<Record<string, string>>;
  readonly #path: string;

  constructor(library: string, path: string) {
    this.#path = path;
    this.environment = { LD_PRELOAD: library, SYNC_FAULTS: path };
    writeFileSync(path, Buffer.alloc(wordBytes * 4));
  }

  /** Syncs that failed on purpose, since the process was first started. */
  get failed(): number {
    return this.#read(word.failed);
  }

  /** Syncs that were asked for, since the process was first started. */
  get called(): number {
    return this.#read(word.called);
  }

  /** Lets every sync fail from now on, or no longer. */
  setFailing(isFailing: boolean): void {
    this.#write(word.fails, isFailing ? 1 : 0);
  }

  /** Makes every sync take longer from now on; 0 for no longer. */
  setDelay(delayMs: number): void {
    this.#write(word.delayMs, delayMs);
  }

  #read(position: number): number {
    const buffer = Buffer.alloc(wordBytes);
    const file = openSync(this.#path, 'r');
    try {
      readSync(file, buffer, 0, wordBytes, position * wordBytes);
    } finally {
      closeSync(file);
    }
    return endianness() === 'LE' ? buffer.readInt32LE() : buffer.readInt32BE();
  }

  /** In place: the file is mapped into a process. */
  #write(position: number, value: number): void {
    const buffer = Buffer.alloc(wordBytes);
    if (endianness() === 'LE') buffer.writeInt32LE(value);
    else buffer.writeInt32BE(value);
    const file = openSync(this.#path, 'r+');
    try {
      writeSync(file, buffer, 0, wordBytes, position * wordBytes);
    } finally {
      closeSync(file);
    }
  }
}

/** Compiles the library into a directory, or says why that cannot be. */
export function compileSyncFaults(directory: string): { readonly library: string } | { readonly problem: string } {
  if (process.platform !== 'linux') return { problem: 'this is not Linux' };
  const library = join(directory, 'sync-faults.so');
  const args = ['-O2', '-Wall', '-shared', '-fPIC', '-o', library, source, '-ldl'];
  const { status, error, stderr } = spawnSync('gcc', args, { encoding: 'utf8' });
  if (status === 0) return { library };
  const isMissing = (error as NodeJS.ErrnoException | undefined)?.code === 'ENOENT';
  return { problem: isMissing ? 'there is no gcc' : (error?.message ?? stderr.trim()) };
}
