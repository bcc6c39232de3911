import { dataKey, dataRange, type Engine, userKey, type WriteBatch } from '@flotilla/engine';
import { assert } from '@flotilla/runtime';
import { isKeyInRegion } from '../region.ts';
import { CutSubscription } from './cut-subscription.ts';
import type {
  MachineBatch,
  MachineLeadership,
  MachineReader,
  MachineSubscription,
  RegionMachine,
  RegionMachineHost,
  RegionMachineKind,
} from './region-machine.ts';

/** The machine's keys live where those of users do. */
const family = 'default';

/** A subscription of a replica; `isCutOff` tells that the replica ended it, and that another may go on with it. */
export interface ReplicaSubscription extends MachineSubscription {
  readonly isCutOff: boolean;
}

/** What a logged call came to. */
export interface AppliedCall {
  readonly answer: Uint8Array;
  readonly hasWritten: boolean;
}

/** The machine of one replica from its load to its close. */
export class MachineReplica {
  readonly kind: RegionMachineKind;
  readonly #machine: RegionMachine;
  readonly #subscriptions = new Set<CutSubscription>();
  readonly #loading: Promise<void>;
  #isLoaded = false;
  #isClosed = false;

  constructor(kind: RegionMachineKind, host: RegionMachineHost) {
    this.kind = kind;
    this.#machine = kind.create(host);
    this.#loading = this.#machine.load().then(() => {
      this.#isLoaded = true;
    });
    // Whoever needs the state hears of it; a replica that goes meanwhile needs none.
    this.#loading.catch(() => {});
  }

  /** Whether it can answer: its state is loaded, and it has not been closed. */
  get isReady(): boolean {
    return this.#isLoaded && !this.#isClosed;
  }

  /** Resolves when the state is loaded. Rejects with why it cannot be. */
  whenLoaded(): Promise<void> {
    return this.#loading;
  }

  /** Applies a logged call, with its changes added to the store's batch. */
  apply(payload: Uint8Array, index: number, batch: WriteBatch): AppliedCall {
    assert(this.isReady, 'a machine is loaded before it is called', { machine: this.kind.name });
    const changes = new RangeBatch(this.kind, batch);
    const answer = this.#machine.apply(payload, index, changes);
    return { answer, hasWritten: changes.count > 0 };
  }

  written(): void {
    if (this.isReady) this.#machine.written();
  }

  read(payload: Uint8Array, leadership: MachineLeadership | undefined): Uint8Array {
    assert(this.isReady, 'a machine is loaded before it is read', { machine: this.kind.name });
    return this.#machine.read(payload, leadership);
  }

  tick(leadership: MachineLeadership | undefined): void {
    if (this.isReady) this.#machine.tick(leadership);
  }

  subscribe(payload: Uint8Array): ReplicaSubscription {
    assert(this.isReady, 'a machine is loaded before it is followed', { machine: this.kind.name });
    const subscription = new CutSubscription(this.#machine.subscribe(payload), (self) =>
      this.#subscriptions.delete(self),
    );
    this.#subscriptions.add(subscription);
    return subscription;
  }

  /** Sends subscribers elsewhere. */
  endSubscriptions(): void {
    for (const subscription of [...this.#subscriptions]) subscription.cutOff();
  }

  close(): void {
    if (this.#isClosed) return;
    this.endSubscriptions();
    this.#isClosed = true;
    this.#machine.close();
  }
}

/** Reads the machine's keys from the kv database. */
export function createMachineReader(engine: Engine, { range }: RegionMachineKind): MachineReader {
  return {
    getSync: (key) => engine.getSync(dataKey(family, key)),
    iterate: ({ start, end = range.end }) => withUserKeys(engine.iterate(dataRange(family, start, end))),
  };
}

async function* withUserKeys(
  pages: AsyncIterable<readonly { readonly key: Uint8Array; readonly value: Uint8Array }[]>,
): AsyncGenerator<readonly { readonly key: Uint8Array; readonly value: Uint8Array }[]> {
  for await (const pairs of pages) yield pairs.map(({ key, value }) => ({ key: userKey(family, key), value }));
}

/** The store's batch, as far as the machine's keys reach. */
class RangeBatch implements MachineBatch {
  readonly #kind: RegionMachineKind;
  readonly #batch: WriteBatch;
  count = 0;

  constructor(kind: RegionMachineKind, batch: WriteBatch) {
    this.#kind = kind;
    this.#batch = batch;
  }

  put(key: Uint8Array, value: Uint8Array): void {
    this.#batch.put(this.#place(key), value);
  }

  delete(key: Uint8Array): void {
    this.#batch.delete(this.#place(key));
  }

  #place(key: Uint8Array): Uint8Array {
    const { name, range } = this.#kind;
    const isOwn = isKeyInRegion(key, { startKey: range.start, endKey: range.end });
    assert(isOwn, 'a machine writes its own keys', { machine: name });
    this.count += 1;
    return dataKey(family, key);
  }
}
