import type { Logger } from '@flotilla/runtime';
import type { RaftStoreConfig } from '../config.ts';
import type { DiskRoom, DiskSpace } from './disk-space.ts';

/**
 * Watches the room on a store's disks. Below `minFreeDiskBytes` the store takes no new writes: commands are refused by name,
 * entries of leaders elsewhere are left to be sent again, and no snapshot is made or received. What is committed is still
 * applied, for which the reserve is there.
 *
 * This is a watch and no guarantee: a write that does not fit all the same, because others fill the disk too, fails, and
 * then nobody knows what of it is there, so the store stops.
 */
export class DiskWatch {
  readonly #space: DiskSpace | undefined;
  readonly #minFreeBytes: number;
  readonly #logger: Logger;
  #isFull = false;
  #isMeasuring = false;
  #room: DiskRoom | undefined;

  constructor(space: DiskSpace | undefined, config: RaftStoreConfig, logger: Logger) {
    this.#space = space;
    this.#minFreeBytes = config.minFreeDiskBytes;
    this.#logger = logger;
  }

  /** Whether the store has to do without further writes. */
  get isFull(): boolean {
    return this.#isFull;
  }

  /** The room as last measured. */
  get room(): DiskRoom | undefined {
    return this.#room;
  }

  /** Measures anew, unless the last measurement is still under way. */
  async measure(): Promise<void> {
    if (this.#space === undefined || this.#minFreeBytes === 0 || this.#isMeasuring) return;
    this.#isMeasuring = true;
    try {
      this.#room = await this.#space.measure();
      this.#judge(this.#room.availableBytes);
    } catch (error) {
      this.#logger.warn('the room on the disks could not be measured', { error });
    } finally {
      this.#isMeasuring = false;
    }
  }

  /** A quarter more than the least is wanted before writes are taken again, so that the store does not waver. */
  #judge(availableBytes: number): void {
    const minFreeDiskBytes = this.#minFreeBytes;
    const isFull = availableBytes < (this.#isFull ? minFreeDiskBytes * 1.25 : minFreeDiskBytes);
    if (isFull === this.#isFull) return;
    this.#isFull = isFull;
    const room = { availableBytes, minFreeDiskBytes };
    if (isFull) this.#logger.error('the disk is full: the store takes no more writes', room);
    else this.#logger.info('the disk has room again: the store takes writes', room);
  }
}
