import type { Clock } from '@flotilla/runtime';
import type { SnapshotDirectory, SnapshotFileInfo, SnapshotFileWriter } from './snapshot-directory.ts';

/** Snapshot files in memory, for tests and simulations. It outlives the stores that use it, as a disk does. */
export class MemorySnapshotDirectory implements SnapshotDirectory {
  readonly #clock: Clock;
  readonly #files = new Map<string, { readonly bytes: Uint8Array; readonly modifiedMs: number }>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  async create(name: string): Promise<SnapshotFileWriter> {
    const pieces: Uint8Array[] = [];
    return {
      write: async (bytes) => {
        pieces.push(Uint8Array.from(bytes));
      },
      commit: async () => {
        this.#files.set(name, { bytes: Buffer.concat(pieces), modifiedMs: this.#clock.wallMs() });
      },
      abort: async () => {},
    };
  }

  async *read(name: string, chunkBytes: number): AsyncIterable<Uint8Array> {
    const file = this.#files.get(name);
    if (file === undefined) throw new Error(`no snapshot file ${name}`);
    for (let start = 0; start < file.bytes.length; start += chunkBytes) {
      yield file.bytes.subarray(start, start + chunkBytes);
    }
  }

  async list(): Promise<SnapshotFileInfo[]> {
    return [...this.#files].map(([name, { bytes, modifiedMs }]) => ({ name, bytes: bytes.length, modifiedMs }));
  }

  /** The names of the files, at once. */
  names(): string[] {
    return [...this.#files.keys()];
  }

  async remove(name: string): Promise<void> {
    this.#files.delete(name);
  }

  async removeUncommitted(): Promise<void> {}

  /** Changes one bit of a file, as a failing disk does. */
  flipBit(name: string, byte: number): void {
    const file = this.#files.get(name);
    if (file === undefined || byte >= file.bytes.length) throw new RangeError(`no byte ${byte} in ${name}`);
    const bytes = Uint8Array.from(file.bytes);
    bytes[byte] = (bytes[byte] as number) ^ 1;
    this.#files.set(name, { ...file, bytes });
  }
}
