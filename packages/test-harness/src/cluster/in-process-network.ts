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
 * a codec would lose is lost here too. Links can be cut one way, and lose, double and delay messages.
 */
export class InProcessNetwork {
  faults: LinkFaults = calm;
  /** Sees every message that is sent; one it refuses is lost. */
  filter: (message: raft_serverpb.RaftMessage, fromStoreId: number) => boolean = () => true;
  readonly #timers: Timers;
  readonly #random: Random;
  readonly #stores = new Map<number, RaftStoreHandle>();
  readonly #cuts = new Set<string>();

  constructor(timers: Timers, random: Random) {
    this.#timers = timers;
    this.#random = random;
  }

  attach(store: RaftStoreHandle): void {
    this.#stores.set(store.storeId, store);
  }

  detach(storeId: number): void {
    this.#stores.delete(storeId);
  }

  /** Cuts every link between stores of different groups; stores that no group names are alone. */
  partition(groups: readonly (readonly number[])[]): void {
    this.heal();
    const groupOf = new Map(groups.flatMap((group, number) => group.map((storeId) => [storeId, number] as const)));
    for (const from of this.#stores.keys()) {
      for (const to of this.#stores.keys()) {
        const isTogether = groupOf.has(from) && groupOf.get(from) === groupOf.get(to);
        if (from !== to && !isTogether) this.cut(from, to);
      }
    }
  }

  /** Cuts one direction of a link. */
  cut(from: number, to: number): void {
    this.#cuts.add(`${from}>${to}`);
  }

  heal(): void {
    this.#cuts.clear();
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
    if (!this.filter(message, from) || this.#cuts.has(`${from}>${to}`)) return 'accepted';
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
      if (this.#cuts.has(`${from}>${to}`)) return;
      this.#stores.get(to)?.deliver(raft_serverpb.RaftMessage.decode(bytes));
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
    if (store === undefined || this.#cuts.has(`${from}>${to}`)) throw new Error('the receiver cannot be reached');
    const copy = raft_serverpb.RaftMessage.decode(raft_serverpb.RaftMessage.encode(message));
    const receiver = await store.receiveSnapshot(copy);
    try {
      for await (const chunk of files) {
        await this.#timers.sleep(1, signal);
        if (this.#cuts.has(`${from}>${to}`)) throw new Error('the link was cut');
        await receiver.write(Uint8Array.from(chunk));
      }
    } catch (error) {
      await receiver.abort();
      throw error;
    }
    await receiver.finish();
  }
}
