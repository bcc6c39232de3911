import { createHash, type Hash } from 'node:crypto';
import { columnFamilies, dataRange, type EngineReader, type KeyValue, userKey } from '@flotilla/engine';
import { metapb } from '@flotilla/protocol';

/** Pairs asked for at once; LevelDB ends a batch at 1 MiB, so that about so much is in memory. */
const pairsPerRead = 512;
const headerBytes = 8;

/**
 * The hash of a region: of its range, epoch and members, then of the pairs of each column family in key order, each with
 * its lengths (two u32, big-endian) before it. Replicas that agree have the same bytes here, and no others do.
 *
 * SHA-256 rather than a faster checksum: Node brings it, processors have instructions for it (1.8 GB/s measured, more than
 * LevelDB reads), and equal hashes then prove equal data.
 */
export async function hashRegion(
  reader: EngineReader,
  region: metapb.Region,
  signal: AbortSignal,
): Promise<Uint8Array> {
  const hash = createHash('sha256');
  const peers = [...region.peers].sort((left, right) => left.id - right.id);
  hash.update(metapb.Region.encode({ ...region, peers }));
  for (const family of columnFamilies) {
    hash.update(family);
    for await (const pairs of reader.iterate(dataRange(family, region.startKey, region.endKey), pairsPerRead)) {
      signal.throwIfAborted();
      addPairs(
        hash,
        pairs.map(({ key, value }) => ({ key: userKey(family, key), value })),
      );
    }
  }
  return hash.digest();
}

/** One block for many pairs: each update of a hash costs a microsecond. */
function addPairs(hash: Hash, pairs: readonly KeyValue[]): void {
  const total = pairs.reduce((sum, { key, value }) => sum + headerBytes + key.length + value.length, 0);
  const block = Buffer.allocUnsafe(total);
  let offset = 0;
  for (const { key, value } of pairs) {
    block.writeUInt32BE(key.length, offset);
    block.writeUInt32BE(value.length, offset + 4);
    block.set(key, offset + headerBytes);
    block.set(value, offset + headerBytes + key.length);
    offset += headerBytes + key.length + value.length;
  }
  hash.update(block);
}
