import { statfs } from 'node:fs/promises';

/** How much room the disks of a store have. */
export interface DiskRoom {
  readonly capacityBytes: number;
  /** What this process may still write. */
  readonly availableBytes: number;
}

/** Tells the room that a store has; rejects when nobody can tell. */
export interface DiskSpace {
  measure(): Promise<DiskRoom>;
}

/** The room of the file systems that some directories are on: of the fullest. */
export class NodeDiskSpace implements DiskSpace {
  readonly #paths: readonly string[];

  constructor(paths: readonly string[]) {
    this.#paths = paths;
  }

  async measure(): Promise<DiskRoom> {
    const rooms = await Promise.all(this.#paths.map(roomOf));
    return rooms.reduce((least, room) => (room.availableBytes < least.availableBytes ? room : least));
  }
}

async function roomOf(path: string): Promise<DiskRoom> {
  const { bavail, blocks, bsize } = await statfs(path);
  return { capacityBytes: blocks * bsize, availableBytes: bavail * bsize };
}
