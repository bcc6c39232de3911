import { appendThread, type ConfState, MemoryStorage, type Message, RawNode } from '@flotilla/raft';
import { createSeededRandom, silentLogger } from '@flotilla/runtime';

const voters: readonly number[] = [1, 2, 3];
const confState: ConfState = { voters, votersOutgoing: [], learners: [], learnersNext: [], autoLeave: false };

/** Shared, as a store shares its own among its groups. */
const deps = { random: createSeededRandom(1), logger: silentLogger };

/** Storage of one node of a group of three that has applied one entry. */
export function createStorage(): MemoryStorage {
  const storage = new MemoryStorage();
  storage.applySnapshot({ data: new Uint8Array(0), metadata: { index: 1, term: 1, confState } });
  return storage;
}

/** One node of a group of three. */
export function createNode(id: number, storage: MemoryStorage, electionTick: number): RawNode {
  return new RawNode({ id, applied: 1, electionTick, asyncStorageWrites: true }, storage, deps);
}

interface Member {
  readonly core: RawNode;
  readonly storage: MemoryStorage;
}

/** Three nodes in memory: messages are handed over at once, writes are array appends, applying counts. */
export class BenchGroup {
  readonly #members: readonly Member[];
  #network: Message[] = [];
  #applied = 0;

  constructor() {
    this.#members = voters.map((id) => {
      const storage = createStorage();
      return { storage, core: createNode(id, storage, 10) };
    });
    this.leader.campaign();
    this.settle();
  }

  get leader(): RawNode {
    return this.#members[0]!.core;
  }

  /** Entries applied by all nodes together. */
  get applied(): number {
    return this.#applied;
  }

  /** Does everything that there is to do. */
  settle(): void {
    let isBusy = true;
    while (isBusy) {
      isBusy = false;
      for (const member of this.#members) {
        if (!member.core.hasReady()) continue;
        isBusy = true;
        this.#work(member);
      }
      const messages = this.#network;
      if (messages.length > 0) this.#network = [];
      for (const message of messages) this.#members[message.to - 1]!.core.step(message);
    }
  }

  /** Forgets the applied log, so that a long run measures the core and not a growing array. */
  compact(): void {
    for (const { core, storage } of this.#members) storage.compact(core.applied);
  }

  #work({ core, storage }: Member): void {
    for (const message of core.ready().messages) {
      if (message.responses.length === 0 && message.to <= voters.length) {
        this.#network.push(message);
        continue;
      }
      if (message.to === appendThread) {
        storage.append(message.entries);
        if (message.term !== 0)
          storage.setHardState({ term: message.term, vote: message.vote, commit: message.commit });
      } else {
        this.#applied += message.entries.length;
      }
      for (const response of message.responses) this.#network.push(response);
    }
  }
}
