import { raft_serverpb } from '@flotilla/protocol';
import { crc32c } from '@node-rs/crc32';
import type { SnapshotDirectory } from './snapshot-directory.ts';
import { SnapshotError } from './snapshot-error.ts';
import { metaFileName, type SnapshotKey } from './snapshot-key.ts';

/** Writes the list of a snapshot's files, last of all: CRC32C (u32, big-endian), then the message. */
export async function writeSnapshotMeta(
  directory: SnapshotDirectory,
  key: SnapshotKey,
  meta: raft_serverpb.SnapshotMeta,
): Promise<void> {
  const message = raft_serverpb.SnapshotMeta.encode(meta);
  const checksum = Buffer.alloc(4);
  checksum.writeUInt32BE(crc32c(message));
  const file = await directory.create(metaFileName(key));
  try {
    await file.write(Buffer.concat([checksum, message]));
    await file.commit();
  } catch (error) {
    await file.abort();
    throw error;
  }
}

/**
 * The list of a snapshot's files.
 *
 * @throws {SnapshotError} with code `malformedSnapshot` when it is damaged.
 */
export async function readSnapshotMeta(
  directory: SnapshotDirectory,
  key: SnapshotKey,
): Promise<raft_serverpb.SnapshotMeta> {
  const pieces: Uint8Array[] = [];
  for await (const piece of directory.read(metaFileName(key), 64 * 1024)) pieces.push(piece);
  const bytes = Buffer.concat(pieces);
  const message = bytes.subarray(4);
  if (bytes.length < 4 || bytes.readUInt32BE() !== crc32c(message)) {
    throw new SnapshotError('malformedSnapshot', `${metaFileName(key)} fails its checksum`);
  }
  return raft_serverpb.SnapshotMeta.decode(message);
}
