/** The keys of the machine: from the letter `m` up to the next one. */
export const machineRange = { start: Uint8Array.of(0x6d), end: Uint8Array.of(0x6e) };

const revisionLetter = 0x72;
const leaseLetter = 0x6c;
const stateLetter = 0x73;

/** The record of what other records do not tell. */
export const stateKey: Uint8Array = Uint8Array.of(0x6d, stateLetter);

/** A record's place in the history: its revision, and the how-manieth of that revision it is. */
export interface RecordPlace {
  readonly revision: number;
  readonly sub: number;
}

/** The record of one change: `m`, `r`, the revision in 8 bytes, the place in the revision in 4; big-endian. */
export function revisionKey(place: RecordPlace): Uint8Array {
  const key = Buffer.allocUnsafe(14);
  key[0] = 0x6d;
  key[1] = revisionLetter;
  key.writeUInt32BE(Math.floor(place.revision / 2 ** 32), 2);
  key.writeUInt32BE(place.revision % 2 ** 32, 6);
  key.writeUInt32BE(place.sub, 10);
  return key;
}

/** The record of a lease: `m`, `l`, its id in 8 bytes. */
export function leaseKey(id: bigint): Uint8Array {
  const key = Buffer.allocUnsafe(10);
  key[0] = 0x6d;
  key[1] = leaseLetter;
  key.writeBigInt64BE(id, 2);
  return key;
}

/** A key of the machine, taken apart. */
export type ParsedRecordKey =
  | ({ readonly type: 'revision' } & RecordPlace)
  | { readonly type: 'lease'; readonly id: bigint }
  | { readonly type: 'state' };

/** What a key is of; `undefined` for one that the machine does not write. */
export function parseRecordKey(bytes: Uint8Array): ParsedRecordKey | undefined {
  const key = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (key[0] !== 0x6d) return undefined;
  if (key[1] === revisionLetter && key.length === 14) {
    return {
      type: 'revision',
      revision: key.readUInt32BE(2) * 2 ** 32 + key.readUInt32BE(6),
      sub: key.readUInt32BE(10),
    };
  }
  if (key[1] === leaseLetter && key.length === 10) return { type: 'lease', id: key.readBigInt64BE(2) };
  return key[1] === stateLetter && key.length === 2 ? { type: 'state' } : undefined;
}
