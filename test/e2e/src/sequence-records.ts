import { once } from 'node:events';
import { createWriteStream } from 'node:fs';

/** Small records with numbered keys, written in an order that is not that of the keys. */
export interface RecordSequence {
  readonly count: number;
  /** The record at a place in the order of the keys, as `scan` prints it and `load` reads it. */
  line(place: number): string;
}

/** `count` records; about 50 bytes each in a database. */
export function recordSequence(count: number): RecordSequence {
  return { count, line: (place) => `user:${String(place).padStart(9, '0')}\t${valueAt(place)}\n` };
}

/** Bytes of keys and values of all records. */
export function bytesOf({ count, line }: RecordSequence): number {
  return count * (Buffer.byteLength(line(0)) - 2);
}

/** Writes the records to TSV files in turn, each an equal share: every key once, far from the one before it. */
export async function writeShuffled(sequence: RecordSequence, paths: readonly string[]): Promise<void> {
  const { count, line } = sequence;
  const stride = strideFor(count);
  const share = Math.ceil(count / paths.length);
  for (const [part, path] of paths.entries()) {
    const file = createWriteStream(path);
    let chunk = '';
    for (let position = part * share; position < Math.min(count, (part + 1) * share); position += 1) {
      chunk += line((position * stride) % count);
      if (chunk.length < 65_536) continue;
      if (!file.write(chunk)) await once(file, 'drain');
      chunk = '';
    }
    file.end(chunk);
    await once(file, 'close');
  }
}

/** Where printed records differ from the sequence, by line; undefined when they are the same. */
export function firstDifference({ count, line }: RecordSequence, printed: Buffer): string | undefined {
  let offset = 0;
  for (let place = 0; place < count; place += 1) {
    const expected = line(place);
    const found = printed.toString('latin1', offset, offset + expected.length);
    if (found !== expected) return `line ${place + 1}: ${JSON.stringify(found)} instead of ${JSON.stringify(expected)}`;
    offset += expected.length;
  }
  return offset === printed.length ? undefined : `${printed.length - offset} bytes too many`;
}

/** All values have one length, so that sizes can be told from the count. */
function valueAt(place: number): string {
  return `${String((place * 2_654_435_761) % 4_294_967_296).padStart(10, '0')}-${'v'.repeat(20)}`;
}

/** Coprime to the count, so that its multiples reach every place once; about 0.62 of it, so that neighbours are far apart. */
function strideFor(count: number): number {
  for (let stride = Math.floor(count * 0.618) + 1; ; stride += 1)
    if (greatestDivisor(stride, count) === 1) return stride;
}

function greatestDivisor(left: number, right: number): number {
  return right === 0 ? left : greatestDivisor(right, left % right);
}
