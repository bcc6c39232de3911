import type { BackendError, CoordinationBackend, LeaseGrant, Watch } from '@flotilla/coordination';
import type { Random, SimulatedRuntime } from '@flotilla/runtime';
import type { HistoryRecorder, Json, WatchChange } from '@flotilla/test-harness';
import type { CoordinationProcess } from './coordination-cluster.ts';

const registers = ['a', 'b', 'c'].map((name) => `register/${name}`);

/** Reads, writes, deletes and compares registers, and records what came of it. */
export class RecordedClient {
  /** Revisions of writes that were acknowledged. */
  readonly revisions: number[] = [];
  readonly #backend: CoordinationBackend;
  readonly #recorder: HistoryRecorder;
  readonly #random: Random;
  readonly #seen = new Map<string, string | null>();
  #process: number;
  #count = 0;

  constructor(backend: CoordinationBackend, recorder: HistoryRecorder, random: Random, process: number) {
    this.#backend = backend;
    this.#recorder = recorder;
    this.#random = random;
    this.#process = process;
  }

  /** One operation, to its end. */
  async step(): Promise<void> {
    const key = registers[this.#random.integer(0, registers.length)]!;
    this.#count += 1;
    const value = `${this.#process}-${this.#count}`;
    const kind = this.#random.integer(0, 10);
    if (kind < 4) await this.#read(key);
    else if (kind < 6) await this.#write(key, 'put', value, () => this.#put(key, value));
    else if (kind < 7) await this.#write(key, 'delete', null, () => this.#delete(key));
    else await this.#compareAndSet(key, value);
  }

  async #read(key: string): Promise<void> {
    await this.#write(key, 'get', null, async () => {
      const { kvs } = await this.#backend.range({ key: Buffer.from(key) });
      const value = kvs[0] === undefined ? null : Buffer.from(kvs[0].value).toString();
      this.#seen.set(key, value);
      return value;
    });
  }

  async #put(key: string, value: string): Promise<Json> {
    const { revision } = await this.#backend.put({ key: Buffer.from(key), value: Buffer.from(value) });
    this.revisions.push(Number(revision));
    return null;
  }

  async #delete(key: string): Promise<Json> {
    await this.#backend.delete({ key: Buffer.from(key) });
    return null;
  }

  async #compareAndSet(key: string, value: string): Promise<void> {
    const expected = this.#seen.get(key) ?? null;
    const range = { key: Buffer.from(key), result: '=' } as const;
    const compare =
      expected === null
        ? ({ ...range, target: 'version', version: 0n } as const)
        : ({ ...range, target: 'value', value: Buffer.from(expected) } as const);
    await this.#write(key, 'cas', [expected, value], async () => {
      const { revision, succeeded } = await this.#backend.transact({
        compare: [compare],
        success: [{ type: 'put', key: Buffer.from(key), value: Buffer.from(value) }],
      });
      if (succeeded) this.revisions.push(Number(revision));
      return succeeded;
    });
  }

  async #write(key: string, op: string, input: Json, call: () => Promise<Json>): Promise<void> {
    const open = this.#recorder.invoke(this.#process, op, key, input);
    try {
      open.ok(await call());
    } catch (error) {
      if ((error as BackendError).code !== 'outcomeUnknown') {
        open.fail();
        return;
      }
      open.info();
      // Whoever does not know what it did counts as another from now on.
      this.#process += 100;
    }
  }
}

/** Follows keys from the first revision on, and notes what comes and until where that was all. */
export class RecordedWatch {
  readonly batches: WatchChange[][] = [];
  completeThrough = 0;
  failure: unknown;
  readonly #watch: Watch;

  constructor(backend: CoordinationBackend, range: { readonly key: Uint8Array; readonly end?: Uint8Array }) {
    this.#watch = backend.watch({ ...range, startRevision: 1n });
    this.#run().catch((error: unknown) => {
      this.failure = error;
    });
  }

  get changes(): readonly WatchChange[] {
    return this.batches.flat();
  }

  requestProgress(): void {
    this.#watch.requestProgress();
  }

  close(): Promise<void> {
    return this.#watch.close();
  }

  async #run(): Promise<void> {
    for await (const update of this.#watch) {
      if (update.type === 'compacted') throw new Error('nobody has compacted anything');
      if (update.type === 'events') {
        this.batches.push(
          update.events.map(({ kv }) => ({ revision: Number(kv.modRevision), key: Buffer.from(kv.key).toString() })),
        );
      }
      this.completeThrough = Number(update.revision);
    }
  }
}

/** Keeps a lease with a key alive, and complains when either is gone before its time. */
export class RecordedLease {
  readonly complaints: string[] = [];
  renewals = 0;
  /** Leases that were lost in their due time. */
  losses = 0;
  isOver = false;
  readonly key: Buffer;
  readonly #holder: CoordinationProcess;
  readonly #observer: CoordinationBackend;
  readonly #runtime: SimulatedRuntime;
  #lease: LeaseGrant | undefined;
  /** Until when the server has promised the lease, by the world's clock. */
  #safeUntilMs = 0;
  #isKeyWritten = false;

  constructor(name: string, holder: CoordinationProcess, observer: CoordinationBackend, runtime: SimulatedRuntime) {
    this.key = Buffer.from(`lease/${name}`);
    this.#holder = holder;
    this.#observer = observer;
    this.#runtime = runtime;
  }

  async hold(): Promise<void> {
    while (!this.isOver) {
      await this.#renew().catch((error: BackendError) => {
        if (error.code === 'leaseNotFound') this.#lost('the lease is not found');
      });
      await this.#runtime.timers.sleep(700);
    }
  }

  async observe(): Promise<void> {
    while (!this.isOver) {
      const { kvs } = await this.#observer.range({ key: this.key }).catch(() => ({ kvs: [undefined] }));
      if (kvs.length === 0 && this.#isKeyWritten && this.#now() < this.#safeUntilMs) this.#complain('its key is gone');
      await this.#runtime.timers.sleep(150);
    }
  }

  async #renew(): Promise<void> {
    const { backend } = this.#holder;
    const sentAtMs = this.#now();
    if (this.#lease === undefined) {
      this.#lease = await backend.grantLease({ ttlMs: 3_000 });
      this.#safeUntilMs = sentAtMs + this.#lease.ttlMs;
      const { leaseId } = this.#lease;
      await backend.put({ key: this.key, value: Buffer.from('held'), leaseId });
      this.#isKeyWritten = true;
      return;
    }
    const ttlMs = await backend.keepLeaseAlive(this.#lease.leaseId);
    this.#safeUntilMs = Math.max(this.#safeUntilMs, sentAtMs + ttlMs);
    this.renewals += 1;
  }

  #lost(what: string): void {
    if (this.#now() < this.#safeUntilMs) this.#complain(what);
    this.#lease = undefined;
    this.#isKeyWritten = false;
    this.losses += 1;
  }

  #complain(what: string): void {
    this.complaints.push(`${this.key}: ${what} ${Math.round(this.#safeUntilMs - this.#now())} ms early`);
  }

  #now(): number {
    return this.#runtime.clock.monotonicMs();
  }
}
