// A record of the raft database: four bytes of CRC32C (Castagnoli), big-endian, then the payload. The checksum covers the
// record's key, and so region and index, before the payload: a record that is intact but in another's place is found too.
// LevelDB under classic-level does not report flipped bits by itself.
import { crc32c } from '@node-rs/crc32';

const checksumLength = 4;

/** The bytes to store under `key`. */
export function sealRecord(key: Uint8Array, payload: Uint8Array): Uint8Array {
  const record = new Uint8Array(checksumLength + payload.length);
  const checksum = checksumOf(key, payload);
  record[0] = checksum >>> 24;
  record[1] = checksum >>> 16;
  record[2] = checksum >>> 8;
  record[3] = checksum;
  record.set(payload, checksumLength);
  return record;
}

/** What `openRecord` says of a record that is not what was written. */
export interface RecordMismatch {
  readonly expected: string;
  readonly found: string;
}

/** The payload of a record, as a view, or what is wrong with it. */
export function openRecord(key: Uint8Array, record: Uint8Array | undefined): Uint8Array | RecordMismatch {
  if (record === undefined) return { expected: 'a record', found: 'none' };
  if (record.length < checksumLength) {
    return { expected: `at least ${checksumLength} bytes`, found: `${record.length} bytes` };
  }
  const payload = record.subarray(checksumLength);
  const expected = new DataView(record.buffer, record.byteOffset, checksumLength).getUint32(0);
  const found = checksumOf(key, payload);
  return expected === found ? payload : { expected: `CRC32C ${hex(expected)}`, found: `CRC32C ${hex(found)}` };
}

function checksumOf(key: Uint8Array, payload: Uint8Array): number {
  return crc32c(payload, crc32c(key));
}

function hex(checksum: number): string {
  return `0x${checksum.toString(16).padStart(8, '0')}`;
}
