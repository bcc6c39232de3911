import { type ColumnFamily, dataRange, type EngineReader, type KeyValue, userKey } from '@flotilla/engine';
import type { metapb } from '@flotilla/protocol';

/** Bytes before each pair: the lengths of key and value. */
export const pairHeaderBytes = 8;

/** Pairs asked for at once; LevelDB ends a batch at 1 MiB, so that about so much is in memory. */
const pairsPerRead = 512;

/** Pairs in one block, each as key length (u32), value length (u32), key, value; numbers big-endian. */
export function packPairs(pairs: readonly KeyValue[]): Buffer {
  const total = pairs.reduce((sum, { key, value }) => sum + pairHeaderBytes + key.length + value.length, 0);
  const block = Buffer.allocUnsafe(total);
  let offset = 0;
  for (const { key, value } of pairs) {
    block.writeUInt32BE(key.length, offset);
    block.writeUInt32BE(value.length, offset + 4);
    block.set(key, offset + pairHeaderBytes);
    block.set(value, offset + pairHeaderBytes + key.length);
    offset += pairHeaderBytes + key.length + value.length;
  }
  return block;
}

/** A region's pairs of one column family in key order, keys without the family's prefix. */
export async function* regionPairs(
  reader: EngineReader,
  family: ColumnFamily,
  region: metapb.Region,
): AsyncIterable<readonly KeyValue[]> {
  for await (const pairs of reader.iterate(dataRange(family, region.startKey, region.endKey), pairsPerRead)) {
    yield pairs.map(({ key, value }) => ({ key: userKey(family, key), value }));
  }
}
