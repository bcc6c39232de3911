/** Writes one file; nothing of it counts before `commit`. */
export interface SnapshotFileWriter {
  write(bytes: Uint8Array): Promise<void>;
  /** Makes the file durable under its name, in the place of an earlier one. */
  commit(): Promise<void>;
  /** Drops what was written. */
  abort(): Promise<void>;
}

/** A file as the directory lists it. */
export interface SnapshotFileInfo {
  readonly name: string;
  readonly bytes: number;
  /** When it was last written, in milliseconds since the Unix epoch. */
  readonly modifiedMs: number;
}

/** Where snapshot files live. Names are those of `snapshot-key.ts`: they cannot leave the directory. */
export interface SnapshotDirectory {
  create(name: string): Promise<SnapshotFileWriter>;
  /** The file's bytes in order, in pieces of up to `chunkBytes`. Rejects when there is no such file. */
  read(name: string, chunkBytes: number): AsyncIterable<Uint8Array>;
  list(): Promise<SnapshotFileInfo[]>;
  /** Removes a file; one that is not there is no error. */
  remove(name: string): Promise<void>;
  /** Drops what writers left behind that never committed: for the start, before there are any. */
  removeUncommitted(): Promise<void>;
}
