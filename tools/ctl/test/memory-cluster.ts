import type { metapb } from '@flotilla/protocol';
import type { RegionWithLeader } from '@flotilla/scheduler-client';
import type { ClusterConnection, Pair, StoreReport } from '../src/cluster-connection.ts';

/** A cluster that is one sorted map in this process, and that fails when told to. */
export class MemoryCluster implements ClusterConnection {
  readonly clusterId: number = 7;
  limits = { maxKeyBytes: 16, maxValueBytes: 32 };
  readonly pairs = new Map<string, string>();
  /** Puts in the order in which they took effect. */
  readonly history: [string, string][] = [];
  /** Called before each put; throwing makes it fail. */
  onPut: (key: string, value: string) => void | Promise<void> = () => {};
  storeList: readonly metapb.Store[] = [];
  regionList: readonly RegionWithLeader[] = [];
  reports = new Map<number, StoreReport>();
  closed = 0;

  async get(key: Uint8Array): Promise<Uint8Array | undefined> {
    const value = this.pairs.get(latin1(key));
    return value === undefined ? undefined : Buffer.from(value, 'latin1');
  }

  async put(key: Uint8Array, value: Uint8Array): Promise<void> {
    await this.onPut(latin1(key), latin1(value));
    this.pairs.set(latin1(key), latin1(value));
    this.history.push([latin1(key), latin1(value)]);
  }

  async delete(key: Uint8Array): Promise<void> {
    this.pairs.delete(latin1(key));
  }

  async scan(start: Uint8Array, end: Uint8Array, limit: number): Promise<readonly Pair[]> {
    const bytes = (text: string): Buffer => Buffer.from(text, 'latin1');
    return [...this.pairs]
      .map(([key, value]) => ({ key: bytes(key), value: bytes(value) }))
      .filter(({ key }) => Buffer.compare(key, start) >= 0 && (end.length === 0 || Buffer.compare(key, end) < 0))
      .sort((a, b) => Buffer.compare(a.key, b.key))
      .slice(0, limit);
  }

  async stores(): Promise<readonly metapb.Store[]> {
    return this.storeList;
  }

  async regions(): Promise<readonly RegionWithLeader[]> {
    return this.regionList;
  }

  async report(store: metapb.Store): Promise<StoreReport> {
    return this.reports.get(store.id) ?? { type: 'silent', reason: 'not here' };
  }

  async close(): Promise<void> {
    this.closed += 1;
  }
}

function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('latin1');
}
