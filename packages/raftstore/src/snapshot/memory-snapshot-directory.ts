import { assert, type Clock } from '@flotilla/runtime';
import type { SnapshotDirectory, SnapshotFileInfo, SnapshotFileWriter } from './snapshot-directory.ts';

const temporarySuffix = '.tmp';

/** What a snapshot directory does to its disk. */
export type SnapshotDiskStep = 'create' | 'write' | 'syncFile' | 'rename' | 'syncDirectory' | 'read' | 'remove';

/** Asked before each step; it may wait, or throw as a failing disk does. */
export type SnapshotDiskFault = (step: SnapshotDiskStep, name: string) => Promise<void> | void;

/**
 * What outlives a crash: what was synced alone; all names too, of files whose bytes are then cut off where they were last
 * synced; or everything, as when only the process ends.
 */
export type SnapshotCrash = 'synced' | 'names' | 'everything';

interface StoredFile {
  bytes: Uint8Array;
  durableBytes: number;
  modifiedMs: number;
}

/**
 * Snapshot files in memory, for tests and simulations. It outlives the stores that use it, as a disk does, and takes the
 * steps of a `NodeSnapshotDirectory`: bytes survive `crash` once their file is synced, names and removals once the
 * directory is.
 */
export class MemorySnapshotDirectory implements SnapshotDirectory {
  /** What a test makes of the disk's steps. */
  fault: SnapshotDiskFault | undefined;
  readonly #clock: Clock;
  readonly #files: Map<string, StoredFile>;
  #durable: ReadonlyMap<string, StoredFile>;
  #hasCrashed = false;

  constructor(clock: Clock, files: ReadonlyMap<string, StoredFile> = new Map()) {
    this.#clock = clock;
    this.#files = new Map(files);
    this.#durable = files;
  }

  /** Ends this directory as a power cut does: whoever still uses it gets errors. What is left is in the one returned. */
  crash(keeps: SnapshotCrash = 'synced'): MemorySnapshotDirectory {
    this.#hasCrashed = true;
    const names = keeps === 'synced' ? this.#durable : this.#files;
    const survivors = new Map<string, StoredFile>();
    for (const [name, { bytes, durableBytes, modifiedMs }] of names) {
      const kept = keeps === 'everything' ? bytes : bytes.slice(0, durableBytes);
      survivors.set(name, { bytes: kept, durableBytes: kept.length, modifiedMs });
    }
    return new MemorySnapshotDirectory(this.#clock, survivors);
  }

  async create(name: string): Promise<SnapshotFileWriter> {
    const temporary = name + temporarySuffix;
    await this.#step('create', name);
    const file: StoredFile = { bytes: new Uint8Array(0), durableBytes: 0, modifiedMs: this.#clock.wallMs() };
    this.#files.set(temporary, file);
    return {
      write: async (bytes) => {
        const piece = Uint8Array.from(bytes);
        await this.#step('write', name);
        file.bytes = Buffer.concat([file.bytes, piece]);
        file.modifiedMs = this.#clock.wallMs();
      },
      commit: async () => {
        await this.#step('syncFile', name);
        file.durableBytes = file.bytes.length;
        await this.#step('rename', name);
        this.#files.delete(temporary);
        this.#files.set(name, file);
        await this.#step('syncDirectory', name);
        this.#durable = new Map(this.#files);
      },
      abort: () => this.remove(temporary),
    };
  }

  async *read(name: string, chunkBytes: number): AsyncIterable<Uint8Array> {
    for (let start = 0; ; start += chunkBytes) {
      await this.#step('read', name);
      const file = this.#files.get(name);
      if (file === undefined) throw new Error(`no snapshot file ${name}`);
      if (start >= file.bytes.length) return;
      yield file.bytes.subarray(start, start + chunkBytes);
    }
  }

  async list(): Promise<SnapshotFileInfo[]> {
    return this.names().map((name) => {
      const { bytes, modifiedMs } = this.#file(name);
      return { name, bytes: bytes.length, modifiedMs };
    });
  }

  /** The names of the files, at once. */
  names(): string[] {
    return [...this.#files.keys()].filter((name) => !name.endsWith(temporarySuffix));
  }

  /** Bytes of a file. */
  sizeOf(name: string): number {
    return this.#file(name).bytes.length;
  }

  /** Files that were begun and never committed. */
  uncommitted(): string[] {
    return [...this.#files.keys()].filter((name) => name.endsWith(temporarySuffix));
  }

  async remove(name: string): Promise<void> {
    await this.#step('remove', name);
    this.#files.delete(name);
  }

  async removeUncommitted(): Promise<void> {
    for (const name of this.uncommitted()) await this.remove(name);
  }

  /** Changes one bit of a file, as a failing disk does. */
  flipBit(name: string, byte: number): void {
    const file = this.#file(name);
    if (byte >= file.bytes.length) throw new RangeError(`no byte ${byte} in ${name}`);
    const bytes = Uint8Array.from(file.bytes);
    bytes[byte] = (bytes[byte] as number) ^ 1;
    file.bytes = bytes;
  }

  /** Leaves the first `bytes` of a file, as a damaged file system does. */
  cut(name: string, bytes: number): void {
    const file = this.#file(name);
    file.bytes = file.bytes.slice(0, bytes);
    file.durableBytes = Math.min(file.durableBytes, bytes);
  }

  /** Takes a file away, as a damaged file system does. */
  lose(name: string): void {
    this.#files.delete(name);
    this.#durable = new Map([...this.#durable].filter(([other]) => other !== name));
  }

  #file(name: string): StoredFile {
    const file = this.#files.get(name);
    assert(file !== undefined, 'there is a snapshot file', { name });
    return file;
  }

  async #step(step: SnapshotDiskStep, name: string): Promise<void> {
    this.#live();
    await this.fault?.(step, name);
    this.#live();
  }

  #live(): void {
    if (this.#hasCrashed) throw new Error('the snapshot directory crashed');
  }
}
