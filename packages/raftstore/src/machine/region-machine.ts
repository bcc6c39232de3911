import type { Runtime } from '@flotilla/runtime';

/**
 * A region whose keys belong to a replicated state machine: they change by calls of the machine alone, each of which is an entry
 * of the region's log, and the machine's state is part of the region's data and so of its snapshots.
 *
 * All stores of a cluster run the same kinds: a store that lacks one stops at the first call of it that it has to apply.
 */
export interface RegionMachineKind {
  /** In logs and errors. */
  readonly name: string;
  /**
   * The keys of the machine, `start` up to but without `end`; an empty `end` is the end of the key space. Both are boundaries
   * that regions are split at wherever one spans them; the region between them has the machine, and is never split.
   */
  readonly range: { readonly start: Uint8Array; readonly end: Uint8Array };
  /** Makes the machine of a replica; `load` follows. */
  create(host: RegionMachineHost): RegionMachine;
}

/** The keys of the machine's range as they are in the database, without what is applied and not yet written. */
export interface MachineReader {
  getSync(key: Uint8Array): Uint8Array | undefined;
  /** Pairs in key order from `start`, in non-empty arrays; as of the first one. */
  iterate(range: {
    readonly start: Uint8Array;
    readonly end?: Uint8Array | undefined;
  }): AsyncIterable<readonly { readonly key: Uint8Array; readonly value: Uint8Array }[]>;
}

/** Where a machine puts what an entry changes, keys of its range alone; it reaches the database with the applied index, synced. */
export interface MachineBatch {
  put(key: Uint8Array, value: Uint8Array): void;
  delete(key: Uint8Array): void;
}

/** What a replica's machine has of its store. */
export interface RegionMachineHost {
  readonly regionId: number;
  readonly reader: MachineReader;
  /** For what a leader does on its own, such as ending leases; what is applied never depends on it. */
  readonly runtime: Runtime;
  /** Puts a call of the machine's own into the log; the answer, or `undefined` when it was not taken or nobody knows. */
  propose(payload: Uint8Array): Promise<Uint8Array | undefined>;
}

/** That the replica leads its region, and has applied everything of earlier terms. */
export interface MachineLeadership {
  readonly term: number;
}

/**
 * One replica's state machine. Called on the store's thread only, never while another call of it is under way, but for `load`
 * and subscriptions, which wait.
 *
 * Payloads come from clients: every method answers a malformed one too. What it throws is a defect, and stops the store.
 */
export interface RegionMachine {
  /**
   * Reads the state from the database, once, before anything else but `close`. A snapshot that replaces the data closes the
   * machine first, and another one loads what it brought.
   */
  load(): Promise<void>;
  /**
   * Applies a logged call and returns its answer.
   *
   * Invariant: state, batch and answer depend on earlier calls and this one alone, on every replica alike; and the state is
   * what the database tells: a call that adds nothing to the batch may be applied again after a crash.
   */
  apply(payload: Uint8Array, index: number, batch: MachineBatch): Uint8Array;
  /** Everything applied so far is in the database. */
  written(): void;
  /** Answers a call that only reads, when the replica is as fresh as the caller asked for. */
  read(payload: Uint8Array, leadership: MachineLeadership | undefined): Uint8Array;
  /** Some time has passed, about a base tick; `undefined` while the replica does not lead. */
  tick(leadership: MachineLeadership | undefined): void;
  /** Follows the machine from now on, or from the point of its history that the payload names. */
  subscribe(payload: Uint8Array): MachineSubscription;
  /** The replica goes, its data are about to be replaced, or its store ends: subscriptions end. Nothing follows. */
  close(): void;
}

/** What a subscriber reads; nothing is queued for it, the machine keeps what it has not read yet. */
export interface MachineSubscription {
  /** The next piece, once there is one; `undefined` when the subscription has ended, and never after that. One call at a time. */
  next(): Promise<Uint8Array | undefined>;
  close(): void;
}
