import {
  type BatchFailure,
  BatchIncompleteError,
  type ClientError,
  type Pair,
  type RegionHashReport,
  type StoreReport,
} from '@flotilla/client';
import type { flotillapb } from '@flotilla/protocol';
import type { RegionWithLeader } from '@flotilla/scheduler-client';
import type { ClusterConnection, ClusterOperators, KeyRange } from '../src/cluster-connection.ts';
import { MemoryOperators } from './memory-operators.ts';

/** A cluster that is one sorted map in this process, and that fails when told to. */
export class MemoryCluster implements ClusterConnection {
  readonly clusterId: number = 7;
  limits = { maxKeyBytes: 16, maxValueBytes: 32 };
  readonly pairs = new Map<string, string>();
  /** Puts in the order in which they took effect. */
  readonly history: [string, string][] = [];
  /** Called before each put; throwing makes it fail. */
  onPut: (key: string, value: string) => void | Promise<void> = () => {};
  regionList: readonly RegionWithLeader[] = [];
  reports: readonly StoreReport[] = [];
  /** What the scheduler offers; tests teach it. */
  readonly memoryOperators = new MemoryOperators();
  /** Answers for a hash; tests teach it. */
  onHash: (storeId: number, request: flotillapb.RegionHashRequest) => RegionHashReport = () => {
    return { type: 'silent', reason: 'nobody is here' };
  };
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

  /** Puts every pair for itself, whatever became of the others. */
  async putMany(pairs: readonly Pair[]): Promise<unknown> {
    const failures: BatchFailure[] = [];
    for (const [index, { key, value }] of pairs.entries()) {
      try {
        await this.put(key, value);
      } catch (error) {
        failures.push({ index, error: error as ClientError });
      }
    }
    if (failures.length > 0) throw new BatchIncompleteError(pairs.length - failures.length, failures, pairs.length);
    return pairs.length;
  }

  async delete(key: Uint8Array): Promise<void> {
    this.pairs.delete(latin1(key));
  }

  async *scanPages({ start, end }: KeyRange, limit?: number): AsyncGenerator<readonly Pair[]> {
    const bytes = (text: string): Buffer => Buffer.from(text, 'latin1');
    const pairs = [...this.pairs]
      .map(([key, value]) => ({ key: bytes(key), value: bytes(value) }))
      .filter(({ key }) => Buffer.compare(key, start) >= 0 && (end.length === 0 || Buffer.compare(key, end) < 0))
      .sort((a, b) => Buffer.compare(a.key, b.key))
      .slice(0, limit);
    for (let from = 0; from < pairs.length; from += 1_000) yield pairs.slice(from, from + 1_000);
  }

  async storeReports(): Promise<readonly StoreReport[]> {
    return this.reports;
  }

  async regions(): Promise<readonly RegionWithLeader[]> {
    return this.regionList;
  }

  async operators(): Promise<ClusterOperators> {
    return this.memoryOperators;
  }

  async regionHash(storeId: number, request: flotillapb.RegionHashRequest): Promise<RegionHashReport> {
    return this.onHash(storeId, request);
  }

  async close(): Promise<void> {
    this.closed += 1;
  }
}

function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('latin1');
}
