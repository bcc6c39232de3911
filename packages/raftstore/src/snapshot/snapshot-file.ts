import type { KeyValue } from '@flotilla/engine';
import { crc32c } from '@node-rs/crc32';
import { packPairs, pairHeaderBytes } from './pair-block.ts';
import type { SnapshotDirectory, SnapshotFileWriter } from './snapshot-directory.ts';
import { SnapshotError } from './snapshot-error.ts';

/**
 * A snapshot file holds the pairs of one column family in key order, keys without the family's prefix, as `packPairs` lays
 * them out. Its checksum is the CRC32C of all of it.
 */

/** The most bytes that a pair may claim: more is damage, not data. */
const maxPairBytes = 64 * 1024 * 1024;

/** What a written file is. */
export interface SnapshotFileSummary {
  readonly bytes: number;
  readonly checksum: number;
}

/** Writes pairs into a file, counting and checksumming as it goes. */
export class PairFileWriter {
  readonly #file: SnapshotFileWriter;
  #bytes = 0;
  #checksum = 0;

  constructor(file: SnapshotFileWriter) {
    this.#file = file;
  }

  async write(pairs: readonly KeyValue[]): Promise<void> {
    const block = packPairs(pairs);
    this.#bytes += block.length;
    this.#checksum = crc32c(block, this.#checksum);
    await this.#file.write(block);
  }

  async commit(): Promise<SnapshotFileSummary> {
    await this.#file.commit();
    return { bytes: this.#bytes, checksum: this.#checksum };
  }

  abort(): Promise<void> {
    return this.#file.abort();
  }
}

/** Reads a file to its end; its size and checksum as they are now. */
export async function summarizeFile(
  directory: SnapshotDirectory,
  name: string,
  chunkBytes: number,
): Promise<SnapshotFileSummary> {
  let bytes = 0;
  let checksum = 0;
  for await (const chunk of directory.read(name, chunkBytes)) {
    bytes += chunk.length;
    checksum = crc32c(chunk, checksum);
  }
  return { bytes, checksum };
}

/**
 * The pairs of a file, in arrays of about `chunkBytes`.
 *
 * @throws {SnapshotError} with code `malformedSnapshot` when the file is cut short or holds something else.
 */
export async function* readPairs(
  directory: SnapshotDirectory,
  name: string,
  chunkBytes: number,
): AsyncIterable<KeyValue[]> {
  let rest: Buffer = Buffer.alloc(0);
  for await (const chunk of directory.read(name, chunkBytes)) {
    const block = rest.length === 0 ? Buffer.from(chunk) : Buffer.concat([rest, chunk]);
    const { pairs, consumed } = parsePairs(block, name);
    rest = block.subarray(consumed);
    if (pairs.length > 0) yield pairs;
  }
  if (rest.length > 0) throw new SnapshotError('malformedSnapshot', `${name}: the last pair is cut short`);
}

function parsePairs(block: Buffer, name: string): { readonly pairs: KeyValue[]; readonly consumed: number } {
  const pairs: KeyValue[] = [];
  let offset = 0;
  while (block.length - offset >= pairHeaderBytes) {
    const keyBytes = block.readUInt32BE(offset);
    const valueBytes = block.readUInt32BE(offset + 4);
    if (keyBytes + valueBytes > maxPairBytes) {
      throw new SnapshotError('malformedSnapshot', `${name}: a pair of ${keyBytes} + ${valueBytes} bytes`);
    }
    const end = offset + pairHeaderBytes + keyBytes + valueBytes;
    if (end > block.length) break;
    const keyStart = offset + pairHeaderBytes;
    pairs.push({ key: block.subarray(keyStart, keyStart + keyBytes), value: block.subarray(keyStart + keyBytes, end) });
    offset = end;
  }
  return { pairs, consumed: offset };
}
