import { mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { SnapshotDirectory, SnapshotFileInfo, SnapshotFileWriter } from './snapshot-directory.ts';

const temporarySuffix = '.tmp';

/** Snapshot files in a directory of the file system: written under a temporary name, synced, then renamed. */
export class NodeSnapshotDirectory implements SnapshotDirectory {
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
  }

  async create(name: string): Promise<SnapshotFileWriter> {
    await mkdir(this.#path, { recursive: true });
    const path = join(this.#path, name);
    const temporary = path + temporarySuffix;
    const file = await open(temporary, 'w');
    return {
      write: async (bytes) => {
        // A plain write may take less than all of the bytes.
        await file.appendFile(bytes);
      },
      commit: async () => {
        await file.sync();
        await file.close();
        await rename(temporary, path);
        await this.#syncDirectory();
      },
      abort: async () => {
        await file.close();
        await rm(temporary, { force: true });
      },
    };
  }

  async *read(name: string, chunkBytes: number): AsyncIterable<Uint8Array> {
    const file = await open(join(this.#path, name), 'r');
    try {
      for (let position = 0; ; ) {
        const { bytesRead, buffer } = await file.read(Buffer.allocUnsafe(chunkBytes), 0, chunkBytes, position);
        if (bytesRead === 0) return;
        position += bytesRead;
        yield buffer.subarray(0, bytesRead);
      }
    } finally {
      await file.close();
    }
  }

  async list(): Promise<SnapshotFileInfo[]> {
    const files: SnapshotFileInfo[] = [];
    for (const name of await this.#names()) {
      if (name.endsWith(temporarySuffix)) continue;
      const { size, mtimeMs } = await stat(join(this.#path, name));
      files.push({ name, bytes: size, modifiedMs: mtimeMs });
    }
    return files;
  }

  async remove(name: string): Promise<void> {
    await rm(join(this.#path, name), { force: true });
  }

  async removeUncommitted(): Promise<void> {
    for (const name of await this.#names()) {
      if (name.endsWith(temporarySuffix)) await this.remove(name);
    }
  }

  async #names(): Promise<string[]> {
    await mkdir(this.#path, { recursive: true });
    return readdir(this.#path);
  }

  /** A rename survives a power cut only once its directory is synced. */
  async #syncDirectory(): Promise<void> {
    const directory = await open(this.#path, 'r');
    try {
      await directory.sync();
    } finally {
      await directory.close();
    }
  }
}
