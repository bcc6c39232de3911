import {
  type ColumnFamily,
  dataKey,
  dataRange,
  type EngineSnapshot,
  isColumnFamily,
  type KeyValue,
  userKey,
} from '@flotilla/engine';
import type { metapb } from '@flotilla/protocol';
import { compareKeys } from '@flotilla/scheduler-client';
import { isKeyInRegion } from './region.ts';
import type { RegionSnapshot } from './store-handle.ts';

/** A read outside what a region snapshot holds. */
export class RegionSnapshotError extends Error {
  readonly code: 'keyNotInRegion' | 'unknownColumnFamily';

  constructor(code: 'keyNotInRegion' | 'unknownColumnFamily', message: string) {
    super(message);
    this.name = 'RegionSnapshotError';
    this.code = code;
  }
}

/** One region's part of an engine snapshot. */
export class EngineRegionSnapshot implements RegionSnapshot {
  readonly region: metapb.Region;
  readonly #snapshot: EngineSnapshot;

  constructor(region: metapb.Region, snapshot: EngineSnapshot) {
    this.region = region;
    this.#snapshot = snapshot;
  }

  async get(columnFamily: string, key: Uint8Array): Promise<Uint8Array | undefined> {
    this.#refuseOutside(key);
    return this.#snapshot.get(dataKey(familyOf(columnFamily), key));
  }

  async scan(columnFamily: string, start: Uint8Array, limit: number, maxBytes: number): Promise<KeyValue[]> {
    const family = familyOf(columnFamily);
    const first = compareKeys(start, this.region.startKey) < 0 ? this.region.startKey : start;
    if (this.region.endKey.length > 0 && compareKeys(first, this.region.endKey) >= 0) return [];
    const pairs = await this.#snapshot.scan({ ...dataRange(family, first, this.region.endKey), limit, maxBytes });
    return pairs.map(({ key, value }) => ({ key: userKey(family, key), value }));
  }

  close(): Promise<void> {
    return this.#snapshot.close();
  }

  #refuseOutside(key: Uint8Array): void {
    if (isKeyInRegion(key, this.region)) return;
    throw new RegionSnapshotError('keyNotInRegion', `the key is outside region ${this.region.id}`);
  }
}

function familyOf(name: string): ColumnFamily {
  const family = name === '' ? 'default' : name;
  if (!isColumnFamily(family)) throw new RegionSnapshotError('unknownColumnFamily', 'there is no such column family');
  return family;
}
