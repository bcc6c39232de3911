import {
  type ColumnFamily,
  dataKey,
  dataRange,
  type Engine,
  type EngineSnapshot,
  isColumnFamily,
  type KeyValue,
  userKey,
} from '@flotilla/engine';
import type { metapb } from '@flotilla/protocol';
import type { Runtime, TimerHandle } from '@flotilla/runtime';
import type { RegionFlow } from './peer/region-flow.ts';
import { isKeyInRegion } from './region.ts';
import type { RegionSnapshot } from './store-handle.ts';

/** Why a region snapshot refuses a read. */
export type RegionSnapshotErrorCode = 'keyNotInRegion' | 'unknownColumnFamily' | 'snapshotExpired' | 'snapshotClosed';

/** A read outside what a region snapshot holds, or after its end. */
export class RegionSnapshotError extends Error {
  readonly code: RegionSnapshotErrorCode;

  constructor(code: RegionSnapshotErrorCode, message: string) {
    super(message);
    this.name = 'RegionSnapshotError';
    this.code = code;
  }
}

/** What region snapshots may cost a store. */
export interface RegionSnapshotLimits {
  readonly maxRegionSnapshots: number;
  readonly regionSnapshotMaxAgeMs: number;
}

/**
 * The region snapshots of a store that are open. Each keeps the engine from forgetting what was overwritten since: there
 * are only so many, and one that its reader has forgotten, or reads for too long, ends by itself.
 */
export class RegionSnapshots {
  readonly #engine: Engine;
  readonly #runtime: Pick<Runtime, 'clock' | 'timers'>;
  readonly #limits: RegionSnapshotLimits;
  /** With the time at which each ends, the oldest first. */
  readonly #open = new Map<EngineRegionSnapshot, number>();
  #timer: TimerHandle | undefined;

  constructor(engine: Engine, runtime: Pick<Runtime, 'clock' | 'timers'>, limits: RegionSnapshotLimits) {
    this.#engine = engine;
    this.#runtime = runtime;
    this.#limits = limits;
  }

  get size(): number {
    return this.#open.size;
  }

  /** The region as it is now; `undefined` when too many are open. */
  open(region: metapb.Region, flow: RegionFlow): RegionSnapshot | undefined {
    const { maxRegionSnapshots, regionSnapshotMaxAgeMs } = this.#limits;
    if (this.#open.size >= maxRegionSnapshots) return undefined;
    const snapshot = new EngineRegionSnapshot(region, this.#engine.snapshot(), flow, () => this.#open.delete(snapshot));
    this.#open.set(snapshot, this.#runtime.clock.monotonicMs() + regionSnapshotMaxAgeMs);
    this.#timer ??= this.#runtime.timers.after(regionSnapshotMaxAgeMs, () => this.#expire());
    return snapshot;
  }

  /** Ends all of them: the engine is about to be closed. */
  async close(): Promise<void> {
    this.#timer?.cancel();
    await Promise.all([...this.#open.keys()].map((snapshot) => snapshot.end('snapshotClosed')));
  }

  #expire(): void {
    this.#timer = undefined;
    const nowMs = this.#runtime.clock.monotonicMs();
    for (const [snapshot, endsAtMs] of [...this.#open]) {
      if (endsAtMs > nowMs) {
        this.#timer = this.#runtime.timers.after(endsAtMs - nowMs, () => this.#expire());
        return;
      }
      void snapshot.end('snapshotExpired');
    }
  }
}

/** One region's part of an engine snapshot. */
class EngineRegionSnapshot implements RegionSnapshot {
  readonly region: metapb.Region;
  readonly #snapshot: EngineSnapshot;
  readonly #flow: RegionFlow;
  readonly #onEnd: () => void;
  #ended: RegionSnapshotErrorCode | undefined;

  constructor(region: metapb.Region, snapshot: EngineSnapshot, flow: RegionFlow, onEnd: () => void) {
    this.region = region;
    this.#snapshot = snapshot;
    this.#flow = flow;
    this.#onEnd = onEnd;
  }

  async get(columnFamily: string, key: Uint8Array): Promise<Uint8Array | undefined> {
    this.#refuse(key);
    const value = await this.#snapshot.get(dataKey(familyOf(columnFamily), key));
    this.#flow.noteRead(key.length + (value?.length ?? 0), 1);
    return value;
  }

  async scan(columnFamily: string, start: Uint8Array, limit: number, maxBytes: number): Promise<KeyValue[]> {
    const family = familyOf(columnFamily);
    this.#refuse(start);
    const pairs = await this.#snapshot.scan({ ...dataRange(family, start, this.region.endKey), limit, maxBytes });
    let bytes = 0;
    for (const { key, value } of pairs) bytes += key.length + value.length;
    this.#flow.noteRead(bytes, pairs.length);
    return pairs.map(({ key, value }) => ({ key: userKey(family, key), value }));
  }

  close(): Promise<void> {
    return this.end('snapshotClosed');
  }

  /** Ends it, for a reason that later reads are told; reads under way are finished first. */
  async end(reason: RegionSnapshotErrorCode): Promise<void> {
    if (this.#ended !== undefined) return;
    this.#ended = reason;
    this.#onEnd();
    await this.#snapshot.close();
  }

  #refuse(key: Uint8Array): void {
    if (this.#ended !== undefined) {
      throw new RegionSnapshotError(this.#ended, `the snapshot of region ${this.region.id} has ended`);
    }
    if (isKeyInRegion(key, this.region)) return;
    throw new RegionSnapshotError('keyNotInRegion', `the key is outside region ${this.region.id}`);
  }
}

function familyOf(name: string): ColumnFamily {
  const family = name === '' ? 'default' : name;
  if (!isColumnFamily(family)) throw new RegionSnapshotError('unknownColumnFamily', 'there is no such column family');
  return family;
}
