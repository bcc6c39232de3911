import { isColumnFamily } from '@flotilla/engine';
import { eraftpb, type raft_serverpb } from '@flotilla/protocol';
import { crc32c } from '@node-rs/crc32';
import type { SnapshotReceiver } from '../store-handle.ts';
import { readSnapshotContent } from './snapshot-content.ts';
import type { SnapshotDirectory, SnapshotFileWriter } from './snapshot-directory.ts';
import { SnapshotError } from './snapshot-error.ts';
import { familyFileName, type SnapshotKey } from './snapshot-key.ts';
import { writeSnapshotMeta } from './snapshot-meta.ts';

/** What a snapshot message announces: which snapshot it is and which files follow. */
export interface SnapshotAnnouncement {
  readonly key: SnapshotKey;
  readonly meta: raft_serverpb.SnapshotMeta;
}

/**
 * Reads what a snapshot message announces.
 *
 * @throws {SnapshotError} with code `malformedSnapshot`, naming what is wrong.
 */
export function readAnnouncement(message: raft_serverpb.RaftMessage): SnapshotAnnouncement {
  const raft = message.message;
  if (raft === undefined || raft.msgType !== eraftpb.MessageType.MsgSnapshot) {
    throw new SnapshotError('malformedSnapshot', 'the first message of the stream is no MsgSnapshot');
  }
  const content = readSnapshotContent(raft);
  const metadata = raft.snapshot?.metadata;
  if (content === undefined || metadata === undefined || content.region.id !== message.regionId) {
    throw new SnapshotError('malformedSnapshot', 'the snapshot does not describe the region of its message');
  }
  const families = content.meta.cfFiles.map((file) => file.cf);
  if (!families.every(isColumnFamily) || new Set(families).size !== families.length) {
    throw new SnapshotError('malformedSnapshot', 'the snapshot announces column families that are unknown or doubled');
  }
  const { index, term } = metadata;
  return { key: { direction: 'rev', regionId: message.regionId, term, index }, meta: content.meta };
}

/** Where a received snapshot goes. */
export interface IncomingSnapshotOptions {
  readonly directory: SnapshotDirectory;
  readonly announcement: SnapshotAnnouncement;
  /** Called once with whether all of it has been kept. */
  readonly onEnd: (isKept: boolean) => void;
}

/** Cuts a stream of chunks into the files that were announced, and checks each against its size and checksum. */
export class IncomingSnapshot implements SnapshotReceiver {
  readonly #options: IncomingSnapshotOptions;
  #position = 0;
  #file: SnapshotFileWriter | undefined;
  #written = 0;
  #checksum = 0;
  #hasEnded = false;

  constructor(options: IncomingSnapshotOptions) {
    this.#options = options;
  }

  async write(chunk: Uint8Array): Promise<void> {
    if (this.#hasEnded) throw new SnapshotError('closed', 'the snapshot is no longer being received');
    try {
      for (let rest = chunk; rest.length > 0; ) rest = await this.#take(rest);
    } catch (error) {
      await this.abort();
      throw error;
    }
  }

  async finish(): Promise<void> {
    if (this.#hasEnded) throw new SnapshotError('closed', 'the snapshot is no longer being received');
    const { directory, announcement } = this.#options;
    try {
      for (let file = await this.#open(); file !== undefined; file = await this.#open()) {
        if (this.#written < file.size)
          throw new SnapshotError('malformedSnapshot', `${file.cf}: the stream is cut short`);
        await this.#closeFile(file);
      }
      await writeSnapshotMeta(directory, announcement.key, announcement.meta);
    } catch (error) {
      await this.abort();
      throw error;
    }
    this.#end(true);
  }

  async abort(): Promise<void> {
    if (this.#hasEnded) return;
    this.#end(false);
    const { directory, announcement } = this.#options;
    await this.#file?.abort();
    this.#file = undefined;
    for (const { cf } of announcement.meta.cfFiles) await directory.remove(familyFileName(announcement.key, cf));
  }

  #end(isKept: boolean): void {
    this.#hasEnded = true;
    this.#options.onEnd(isKept);
  }

  /** Writes what of `chunk` belongs to the present file; returns the rest. */
  async #take(chunk: Uint8Array): Promise<Uint8Array> {
    const file = await this.#open();
    if (file === undefined) throw new SnapshotError('malformedSnapshot', 'the stream goes on after its last file');
    const part = chunk.subarray(0, file.size - this.#written);
    if (part.length > 0) await this.#file?.write(part);
    this.#written += part.length;
    this.#checksum = crc32c(part, this.#checksum);
    if (this.#written === file.size) await this.#closeFile(file);
    return chunk.subarray(part.length);
  }

  /** The file that the next byte belongs to; `undefined` after the last. */
  async #open(): Promise<raft_serverpb.SnapshotCFFile | undefined> {
    const { directory, announcement } = this.#options;
    const file = announcement.meta.cfFiles[this.#position];
    if (file !== undefined) this.#file ??= await directory.create(familyFileName(announcement.key, file.cf));
    return file;
  }

  async #closeFile(file: raft_serverpb.SnapshotCFFile): Promise<void> {
    if (this.#checksum !== file.checksum) {
      throw new SnapshotError('checksumMismatch', `${file.cf}: what arrived is not what was sent`);
    }
    await this.#file?.commit();
    this.#file = undefined;
    this.#position += 1;
    this.#written = 0;
    this.#checksum = 0;
  }
}
