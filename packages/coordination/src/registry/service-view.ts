import type { Clock, Logger } from '@flotilla/runtime';
import type { KeyValue } from '../backend/key-value.ts';
import type { WatchEvent } from '../backend/watch.ts';
import { MassExpiryGuard, type MassExpiryRules } from './mass-expiry-guard.ts';
import type { PagedRange } from './paged-range.ts';
import type { HealthStatus, ServiceInfo } from './service-info.ts';
import type { ServiceLayout } from './service-layout.ts';
import { decodeRecord } from './service-record.ts';

interface Entry {
  /** Unset for what is no record: another tool's value, which is skipped. */
  readonly info: ServiceInfo | undefined;
  readonly modRevision: bigint;
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
  #entries = new Map<string, Entry>();
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
    const departed = new Set<string>();
    for (const kv of list.kvs) if (this.#put(kv, before)) departed.add(this.#idOf(kv.key) ?? '');
    this.#revision = list.revision;
    this.#collected = undefined;
    const vanished = [...before]
      .filter(([id]) => !this.#entries.has(id) && !departed.has(id))
      .flatMap(([, { info }]) => info ?? []);
    this.#lose(vanished);
  }

  /** Takes the changes up to a revision. */
  apply(revision: bigint, events: readonly WatchEvent[]): void {
    const vanished: ServiceInfo[] = [];
    for (const { type, kv } of events) {
      if (type === 'put') {
        this.#put(kv, this.#entries);
        continue;
      }
      const id = this.#idOf(kv.key) ?? '';
      const info = this.#entries.get(id)?.info;
      this.#entries.delete(id);
      if (info !== undefined) vanished.push(info);
    }
    this.#revision = revision;
    if (events.length > 0) this.#collected = undefined;
    this.#lose(vanished);
  }

  /** There is nothing new up to a revision. */
  confirm(revision: bigint): void {
    if (revision > this.#revision) this.#revision = revision;
  }

  /** Whether the view is at least as new as a list of the same service. */
  covers(list: PagedRange): boolean {
    if (this.#revision >= list.revision) return true;
    const listed = new Set<string>();
    for (const { key, modRevision, value } of list.kvs) {
      const id = this.#idOf(key);
      if (id === undefined) continue;
      listed.add(id);
      const entry = this.#entries.get(id);
      if (entry === undefined ? !this.#isLeaving(id, value) : entry.modRevision < modRevision) return false;
    }
    return [...this.#entries.keys()].every((id) => listed.has(id));
  }

  /** What this process alone thinks of an instance; unset, what its record says. */
  setLocalHealth(instanceId: string, health: HealthStatus | undefined): void {
    if (health === undefined) this.#localHealth.delete(instanceId);
    else this.#localHealth.set(instanceId, health);
    this.#collected = undefined;
  }

  /** Takes one key; returns whether it says that its instance leaves. */
  #put(kv: KeyValue, before: ReadonlyMap<string, Entry>): boolean {
    const id = this.#idOf(kv.key);
    if (id === undefined) return false;
    this.#guard.settle(id);
    const known = before.get(id);
    if (known?.modRevision === kv.modRevision) {
      this.#entries.set(id, known);
      return false;
    }
    const { name, logger } = this.#options;
    const record = decodeRecord(name, id, kv.value);
    if (record?.isLeaving === true) {
      this.#entries.delete(id);
      return true;
    }
    if (record === undefined) {
      logger.warn('skipped a key that holds no instance', { service: name, modRevision: kv.modRevision });
    }
    this.#entries.set(id, { info: record?.info, modRevision: kv.modRevision });
    return false;
  }

  #lose(vanished: readonly ServiceInfo[]): void {
    if (vanished.length > 0) this.#guard.lost(vanished, this.#entries.size);
    for (const { instanceId } of vanished) this.#localHealth.delete(instanceId);
  }

  #collect(): Collected {
    const retained = this.#guard.retained;
    const all: ServiceInfo[] = [];
    for (const [id, { info }] of this.#entries) if (info !== undefined) all.push(this.#withLocalHealth(id, info));
    for (const [id, info] of retained) all.push(this.#withLocalHealth(id, info));
    all.sort((left, right) => (left.instanceId < right.instanceId ? -1 : 1));
    return { all, retained: new Set(retained.keys()) };
  }

  #withLocalHealth(id: string, info: ServiceInfo): ServiceInfo {
    const health = this.#localHealth.get(id);
    return health === undefined || info.health === 'maintenance' ? info : { ...info, health };
  }

  #isLeaving(id: string, value: Uint8Array): boolean {
    return decodeRecord(this.#options.name, id, value)?.isLeaving === true;
  }

  #idOf(key: Uint8Array): string | undefined {
    return this.#options.layout.parse(key)?.instanceId;
  }
}
