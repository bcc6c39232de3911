import { metapb, raft_serverpb } from '@flotilla/protocol';

/** What the store needs to hear from another. */
interface Neighbour {
  /** Ticks since anything came from it. */
  silentTicks: number;
  isSilent: boolean;
  incarnation: number;
}

/** What the watch over other stores needs. */
export interface StoreLivenessOptions {
  /** Ticks of silence after which a store counts as lost. */
  readonly electionTicks: number;
  readonly heartbeatTicks: number;
  /** Tells another store that this one is alive. */
  readonly sendAlive: (storeId: number) => void;
  /** Hears that a store has fallen silent, or was started anew: its peers are not what they were. */
  readonly onLost: (storeId: number) => void;
}

/**
 * Which of the other stores are alive, for regions that hibernate: their peers send nothing by which the others could tell.
 * One message for each pair of stores stands for the heartbeats of all regions between them.
 *
 * Silence is counted in ticks, of which a process that got no time has none: its own pause is not the others' silence.
 */
export class StoreLiveness {
  readonly #options: StoreLivenessOptions;
  readonly #neighbours = new Map<number, Neighbour>();
  #untilAlive = 1;

  constructor(options: StoreLivenessOptions) {
    this.#options = options;
  }

  /** Begins to watch a store, and to tell it that this one is alive. */
  watch(storeId: number): void {
    if (this.#neighbours.has(storeId)) return;
    this.#neighbours.set(storeId, { silentTicks: 0, isSilent: false, incarnation: 0 });
  }

  /** Whether nothing has come from a watched store for an election timeout. */
  isSilent(storeId: number): boolean {
    return this.#neighbours.get(storeId)?.isSilent ?? false;
  }

  /** Ticks since anything came from a watched store; 0 for one that is not watched. */
  silentTicks(storeId: number): number {
    return this.#neighbours.get(storeId)?.silentTicks ?? 0;
  }

  /** Notes that a message came from a store. */
  heard(storeId: number): void {
    const neighbour = this.#neighbours.get(storeId);
    if (neighbour === undefined) return;
    neighbour.silentTicks = 0;
    neighbour.isSilent = false;
  }

  /** Notes that a store says it is alive; it has hibernating peers whose regions may be here. */
  alive(storeId: number, incarnation: number): void {
    this.watch(storeId);
    this.heard(storeId);
    const neighbour = this.#neighbours.get(storeId);
    if (neighbour === undefined || neighbour.incarnation === incarnation) return;
    const isRestarted = neighbour.incarnation !== 0;
    neighbour.incarnation = incarnation;
    if (isRestarted) this.#options.onLost(storeId);
  }

  tick(): void {
    const { electionTicks, heartbeatTicks, onLost, sendAlive } = this.#options;
    this.#untilAlive -= 1;
    const isDue = this.#untilAlive <= 0;
    if (isDue) this.#untilAlive = heartbeatTicks;
    for (const [storeId, neighbour] of this.#neighbours) {
      if (isDue) sendAlive(storeId);
      neighbour.silentTicks += 1;
      if (neighbour.isSilent || neighbour.silentTicks < electionTicks) continue;
      neighbour.isSilent = true;
      onLost(storeId);
    }
  }
}

/** Says to another store that this run of this one is alive. */
export function aliveMessage(fromStoreId: number, toStoreId: number, incarnation: number): raft_serverpb.RaftMessage {
  return raft_serverpb.RaftMessage.create({
    fromPeer: metapb.Peer.create({ storeId: fromStoreId }),
    toPeer: metapb.Peer.create({ storeId: toStoreId }),
    extra: raft_serverpb.ExtraMessage.create({ type: raft_serverpb.ExtraMessageType.StoreAlive, incarnation }),
  });
}
