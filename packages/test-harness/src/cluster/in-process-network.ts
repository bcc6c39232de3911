import { raft_serverpb } from '@flotilla/protocol';
import type { RaftStoreHandle, Transport, TransportOutcome } from '@flotilla/raftstore';
import type { Random, Timers } from '@flotilla/runtime';

/** How a link treats messages; fractions are probabilities. */
export interface LinkFaults {
  readonly drop: number;
  readonly duplicate: number;
  readonly minDelayMs: number;
  readonly maxDelayMs: number;
}

const calm: LinkFaults = { drop: 0, duplicate: 0, minDelayMs: 1, maxDelayMs: 1 };

/**
 * Carries raft messages between stores of one process, in virtual time. Every message crosses in its encoded form, so what
 * a codec would lose is lost here too. Links can be cut one way, and lose, double and delay messages; different delays
 * put them out of order.
 */
export class InProcessNetwork {
  faults: LinkFaults = calm;
  /** How the links between clients and stores treat requests and answers; one that is lost breaks its call. */
  clientFaults: LinkFaults = calm;
  /** Sees every message that is sent; one it refuses is lost. */
  filter: (message: raft_serverpb.RaftMessage, fromStoreId: number) => boolean = () => true;
  /** Sees every snapshot whose sending begins. */
  onSnapshot: (message: raft_serverpb.RaftMessage, fromStoreId: number) => void = () => {};
  readonly #timers: Timers;
  readonly #random: Random;
  readonly #stores = new Map<number, RaftStoreHandle>();
  readonly #cuts = new Set<string>();
  /** The group of each store; stores of different groups, and any that are in none, cannot reach each other. */
  #groups: ReadonlyMap<number, number> | undefined;
  /** What waits for stores that are paused. */
  readonly #held = new Map<number, (() => void)[]>();

  constructor(timers: Timers, random: Random) {
    this.#timers = timers;
    this.#random = random;
  }

  attach(store: RaftStoreHandle): void {
    this.#stores.set(store.storeId, store);
  }

  detach(storeId: number): void {
    this.#stores.delete(storeId);
    this.#held.delete(storeId);
  }

  /** Cuts every link between stores of different groups; stores that no group names are alone. */
  partition(groups: readonly (readonly number[])[]): void {
    this.heal();
    this.#groups = new Map(groups.flatMap((group, number) => group.map((storeId) => [storeId, number] as const)));
  }

  /** Cuts every link between two sides that only `bridge`, a member of neither, can reach both of. */
  bridge(left: readonly number[], bridge: number, right: readonly number[]): void {
    this.heal();
    for (const from of left.filter((one) => one !== bridge)) {
      for (const to of right.filter((one) => one !== bridge)) {
        this.cut(from, to);
        this.cut(to, from);
      }
    }
  }

  /** Cuts one direction of a link. */
  cut(from: number, to: number): void {
    this.#cuts.add(`${from}>${to}`);
  }

  heal(): void {
    this.#cuts.clear();
    this.#groups = undefined;
  }

  /** Whether nothing gets from one store to another. */
  isCut(from: number, to: number): boolean {
    if (this.#cuts.size > 0 && this.#cuts.has(`${from}>${to}`)) return true;
    const groups = this.#groups;
    return groups !== undefined && from !== to && (!groups.has(from) || groups.get(from) !== groups.get(to));
  }

  /** Lets what arrives at a store wait until `resume`, as it does in the sockets of a process that is stopped. */
  pause(storeId: number): void {
    if (!this.#held.has(storeId)) this.#held.set(storeId, []);
  }

  resume(storeId: number): void {
    const held = this.#held.get(storeId) ?? [];
    this.#held.delete(storeId);
    for (const arrive of held) arrive();
  }

  /** Runs `arrive` now, or once the store is resumed. */
  arrive(storeId: number, arrive: () => void): void {
    const held = this.#held.get(storeId);
    if (held === undefined) arrive();
    else held.push(arrive);
  }

  /** The transport of one store, whose id is not known before it is open. */
  transportOf(storeId: () => number): Transport {
    return {
      send: (message) => this.#send(storeId(), message),
      sendSnapshot: (message, files, signal) => this.#sendSnapshot(storeId(), message, files, signal),
    };
  }

  #send(from: number, message: raft_serverpb.RaftMessage): TransportOutcome {
    const to = message.toPeer?.storeId ?? 0;
    if (!this.filter(message, from) || this.isCut(from, to)) return 'accepted';
    const { drop, duplicate } = this.faults;
    if (drop > 0 && this.#random.fraction() < drop) return 'accepted';
    const bytes = raft_serverpb.RaftMessage.encode(message);
    this.#deliverLater(from, to, bytes);
    if (duplicate > 0 && this.#random.fraction() < duplicate) this.#deliverLater(from, to, bytes);
    return 'accepted';
  }

  #deliverLater(from: number, to: number, bytes: Uint8Array): void {
    const { minDelayMs, maxDelayMs } = this.faults;
    const delayMs = minDelayMs + this.#random.fraction() * (maxDelayMs - minDelayMs);
    this.#timers.after(delayMs, () => {
      if (this.isCut(from, to)) return;
      this.arrive(to, () => this.#stores.get(to)?.deliver(raft_serverpb.RaftMessage.decode(bytes)));
    });
  }

  async #sendSnapshot(
    from: number,
    message: raft_serverpb.RaftMessage,
    files: AsyncIterable<Uint8Array>,
    signal: AbortSignal,
  ): Promise<void> {
    const to = message.toPeer?.storeId ?? 0;
    const store = this.#stores.get(to);
    this.onSnapshot(message, from);
    const isLost = this.faults.drop > 0 && this.#random.fraction() < this.faults.drop;
    if (store === undefined || isLost || this.isCut(from, to)) throw new Error('the receiver cannot be reached');
    const copy = raft_serverpb.RaftMessage.decode(raft_serverpb.RaftMessage.encode(message));
    const receiver = await store.receiveSnapshot(copy);
    try {
      for await (const chunk of files) {
        await this.#timers.sleep(1, signal);
        await this.#untilRunning(to, signal);
        if (this.isCut(from, to)) throw new Error('the link was cut');
        await receiver.write(Uint8Array.from(chunk));
      }
    } catch (error) {
      await receiver.abort();
      throw error;
    }
    await receiver.finish();
  }

  /** Waits while a store is paused. @throws the signal's reason when it aborts first. */
  async #untilRunning(storeId: number, signal: AbortSignal): Promise<void> {
    while (this.#held.has(storeId)) await this.#timers.sleep(10, signal);
  }
}
