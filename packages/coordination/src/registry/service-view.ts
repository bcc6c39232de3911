import type { Clock, Logger } from '@flotilla/runtime';
import type { KeyValue } from '../backend/key-value.ts';
import type { WatchEvent } from '../backend/watch.ts';
import { MassExpiryGuard, type MassExpiryRules } from './mass-expiry-guard.ts';
import type { PagedRange } from './paged-range.ts';
import type { HealthStatus, ServiceInfo } from './service-info.ts';
import type { ServiceLayout } from './service-layout.ts';
import { decodeRecord } from './service-record.ts';

interface Entry {
  /** Unset for an instance that leaves, and for what is no record: another tool's value, which is skipped. */
  readonly info: ServiceInfo | undefined;
  readonly modRevision: bigint;
}

/** What the backend has that a view may not have yet. */
export interface ViewCheck {
  /** When it was asked. */
  readonly revision: bigint;
  /** The keys of the service that were written after the view's revision. */
  readonly changed: readonly KeyValue[];
  /** How many keys the service has in all. */
  readonly count: number;
}

interface Collected {
  readonly all: readonly ServiceInfo[];
  readonly retained: ReadonlySet<string>;
}

/** What a view is made of. */
export interface ServiceViewOptions {
  readonly name: string;
  readonly layout: ServiceLayout;
  readonly rules: MassExpiryRules;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** The instances of one service, put together from a list and the changes after it. */
export class ServiceView {
  readonly #options: ServiceViewOptions;
  readonly #guard: MassExpiryGuard;
  readonly #localHealth = new Map<string, HealthStatus>();
  /** All keys of the service, by what follows its name: the instance's id, or something with a `/` that is no instance. */
  #entries = new Map<string, Entry>();
  /** The ids of those that are instances, in order. */
  #order: string[] = [];
  #revision = 0n;
  #collected: Collected | undefined;

  constructor(options: ServiceViewOptions) {
    this.#options = options;
    this.#guard = new MassExpiryGuard(options.rules, options.clock);
  }

  /** The last revision that is part of the view; 0 before the first list. */
  get revision(): bigint {
    return this.#revision;
  }

  /** All instances, in the order of their ids; the same array until something changes. */
  get all(): readonly ServiceInfo[] {
    this.#collected ??= this.#collect();
    return this.#collected.all;
  }

  /** The ids of those of `all` that are gone and stay listed. */
  get retained(): ReadonlySet<string> {
    this.#collected ??= this.#collect();
    return this.#collected.retained;
  }

  /** Milliseconds until a retained instance is let go; undefined when there is none. */
  get nextReleaseMs(): number | undefined {
    return this.#guard.nextReleaseMs;
  }

  /** Time has passed: what was retained long enough goes. */
  release(): void {
    this.#collected = undefined;
  }

  /** Takes a whole list in place of what was there; what is missing from it vanished without a word, as far as one can know. */
  replace(list: PagedRange): void {
    const before = this.#entries;
    this.#entries = new Map();
    for (const kv of list.kvs) {
      const id = this.#idOf(kv.key);
      const known = before.get(id);
      this.#entries.set(id, known?.modRevision === kv.modRevision ? known : this.#read(id, kv));
      this.#guard.settle(id);
    }
    this.#order = [...this.#entries].flatMap(([id, { info }]) => (info === undefined ? [] : id)).sort();
    this.#revision = list.revision;
    this.#collected = undefined;
    this.#lose([...before].flatMap(([id, { info }]) => (info === undefined || this.#entries.has(id) ? [] : info)));
  }

  /** Takes the changes up to a revision. */
  apply(revision: bigint, events: readonly WatchEvent[]): void {
    const vanished: ServiceInfo[] = [];
    for (const { type, kv } of events) {
      const id = this.#idOf(kv.key);
      const before = this.#entries.get(id);
      const entry = type === 'put' ? this.#read(id, kv) : undefined;
      if (entry === undefined) {
        this.#entries.delete(id);
        if (before?.info !== undefined) vanished.push(before.info);
      } else {
        this.#entries.set(id, entry);
        this.#guard.settle(id);
      }
      if ((before?.info === undefined) !== (entry?.info === undefined)) this.#reorder(id, entry?.info !== undefined);
    }
    this.#revision = revision;
    if (events.length > 0) this.#collected = undefined;
    this.#lose(vanished);
  }

  /** There is nothing new up to a revision. */
  confirm(revision: bigint): void {
    if (revision > this.#revision) this.#revision = revision;
  }

  /**
   * Whether the view is at least as new as a check that was made for its revision of then. Where nothing that is still there was
   * written since, only deletions can be missing, and the number of keys tells.
   */
  covers({ revision, changed, count }: ViewCheck): boolean {
    if (this.#revision >= revision) return true;
    if (this.#entries.size !== count) return false;
    return changed.every(({ key, modRevision }) => {
      const entry = this.#entries.get(this.#idOf(key));
      return entry !== undefined && entry.modRevision >= modRevision;
    });
  }

  /** What this process alone thinks of an instance; unset, what its record says. */
  setLocalHealth(instanceId: string, health: HealthStatus | undefined): void {
    if (health === undefined) this.#localHealth.delete(instanceId);
    else this.#localHealth.set(instanceId, health);
    this.#collected = undefined;
  }

  #read(id: string, kv: KeyValue): Entry {
    const { name, logger } = this.#options;
    const { modRevision } = kv;
    const record = id.includes('/') ? undefined : decodeRecord(name, id, kv.value);
    if (record === undefined) logger.warn('skipped a key that holds no instance', { service: name, modRevision });
    return { info: record?.isLeaving === true ? undefined : record?.info, modRevision };
  }

  #reorder(id: string, isThere: boolean): void {
    let low = 0;
    let high = this.#order.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#order[middle] as string) < id) low = middle + 1;
      else high = middle;
    }
    if (isThere) this.#order.splice(low, 0, id);
    else this.#order.splice(low, 1);
  }

  #lose(vanished: readonly ServiceInfo[]): void {
    if (vanished.length > 0) this.#guard.lost(vanished, this.#order.length);
    for (const { instanceId } of vanished) this.#localHealth.delete(instanceId);
  }

  #collect(): Collected {
    const retained = this.#guard.retained;
    const all = this.#order.map((id) => this.#withLocalHealth(this.#entries.get(id)?.info as ServiceInfo));
    if (retained.size > 0) {
      for (const info of retained.values()) all.push(this.#withLocalHealth(info));
      all.sort((left, right) => (left.instanceId < right.instanceId ? -1 : 1));
    }
    return { all, retained: new Set(retained.keys()) };
  }

  #withLocalHealth(info: ServiceInfo): ServiceInfo {
    const health = this.#localHealth.get(info.instanceId);
    return health === undefined || info.health === 'maintenance' ? info : { ...info, health };
  }

  #idOf(key: Uint8Array): string {
    return this.#options.layout.withinService(this.#options.name, key);
  }
}
