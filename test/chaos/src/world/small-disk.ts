import { existsSync, mkdirSync, rmSync } from 'node:fs';
import { open, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { runCommand } from './command.ts';

/** Room for what a run writes; a full one is this much memory. */
const sizeMiB = 192;
const chunkBytes = 1024 * 1024;

/** A disk of memory, small enough to be filled. Only for a process that is isolated: the mount is visible there alone. */
export class SmallDisk {
  /** Where its owner's data goes. */
  readonly path: string;
  readonly #mountPoint: string;

  private constructor(mountPoint: string) {
    this.#mountPoint = mountPoint;
    this.path = join(mountPoint, 'data');
  }

  /** @throws {SystemCommandError} when this system does not have what it takes. */
  static create(mountPoint: string): SmallDisk {
    mkdirSync(mountPoint, { recursive: true });
    runCommand('mount', '-t', 'tmpfs', '-o', `size=${sizeMiB}m`, 'tmpfs', mountPoint);
    return new SmallDisk(mountPoint);
  }

  /** Takes all the room that is left. */
  async fill(): Promise<void> {
    const ballast = await open(this.#ballastPath, 'w');
    const chunk = Buffer.alloc(chunkBytes, 1);
    try {
      for (;;) {
        const { bavail, bsize } = await statfs(this.#mountPoint);
        const { bytesWritten } = await ballast.write(chunk, 0, Math.min(chunk.length, Math.max(bavail * bsize, bsize)));
        if (bytesWritten === 0) return;
      }
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
    } finally {
      await ballast.close();
    }
  }

  /** Gives the room back. */
  free(): void {
    rmSync(this.#ballastPath, { force: true });
  }

  /** Takes the disk away with all that is on it. */
  remove(): void {
    if (existsSync(this.#mountPoint)) runCommand('umount', '--lazy', this.#mountPoint);
  }

  get #ballastPath(): string {
    return join(this.#mountPoint, 'ballast');
  }
}
