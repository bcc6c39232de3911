import { assert, createSeededRandom, silentLogger } from '@flotilla/runtime';
import { type ConfChange, type ConfChangeStep, decodeConfChange } from '../src/confchange/conf-change.ts';
import type { RaftConfig } from '../src/config.ts';
import { MemoryStorage } from '../src/memory-storage.ts';
import type { ConfState, Entry, Message, MessageType, Snapshot } from '../src/message.ts';
import { draftMessage } from '../src/message-draft.ts';
import type { ReadState } from '../src/node/raft-state.ts';
import type { Ready } from '../src/node/ready.ts';
import { RawNode } from '../src/raw-node.ts';

/** A configuration of voters and learners. */
export function confStateOf(voters: readonly number[], learners: readonly number[] = []): ConfState {
  return { voters, votersOutgoing: [], learners, learnersNext: [], autoLeave: false };
}

/** An entry of `term` at `index`. */
export function entry(term: number, index: number, text = ''): Entry {
  return { type: 'normal', term, index, data: bytes(text) };
}

/** A snapshot without data. */
export function snapshotAt(index: number, term: number, confState: ConfState): Snapshot {
  return { data: bytes(''), metadata: { index, term, confState } };
}

/** Text as bytes. */
export function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/** A message with the fields given. */
export function message(type: MessageType, from: number, to: number, fields: Partial<Message> = {}): Message {
  return { ...draftMessage(type, to), from, ...fields };
}

/** A change of membership. */
export function change(transition: ConfChange['transition'], ...steps: ConfChangeStep[]): ConfChange {
  return { transition, steps, context: bytes('') };
}

/** Options of a test's nodes: a plain node of short timeouts unless said otherwise. */
export type NodeOptions = Partial<Omit<RaftConfig, 'id'>>;

const plain: NodeOptions = { electionTick: 10, heartbeatTick: 1, checkQuorum: false, preVote: false };

/** A node with its storage, that does its own work when asked to. */
export class TestNode {
  readonly id: number;
  readonly storage: MemoryStorage;
  readonly applied: Entry[] = [];
  readonly readStates: ReadState[] = [];
  readonly roles: string[] = [];
  core: RawNode;
  readonly #options: NodeOptions;

  constructor(id: number, options: NodeOptions = {}, storage: MemoryStorage = new MemoryStorage()) {
    this.id = id;
    this.storage = storage;
    this.#options = { ...plain, ...options };
    this.core = this.#make();
  }

  /** Does the work of one Ready in the plain order; answers it. */
  work(): Ready {
    const ready = this.core.ready();
    this.#store(ready);
    for (const each of ready.committedEntries) this.#apply(each);
    this.core.advance();
    return ready;
  }

  /** Works until there is nothing to do; answers the messages that leave. */
  drain(): Message[] {
    const messages: Message[] = [];
    while (this.core.hasReady()) messages.push(...this.work().messages);
    return messages;
  }

  /** Takes in a message and works; answers the messages that leave. */
  receive(incoming: Message): Message[] {
    this.core.step(incoming);
    return this.drain();
  }

  tick(count = 1): Message[] {
    for (let ticks = 0; ticks < count; ticks += 1) this.core.tick();
    return this.drain();
  }

  /** The stored log, as terms. */
  terms(): number[] {
    const entries = this.storage.entries(this.storage.firstIndex(), this.storage.lastIndex() + 1, Infinity);
    assert(typeof entries !== 'string', 'storage lacks its own entries');
    return entries.map(({ term }) => term);
  }

  /** Starts anew from storage. */
  restart(applied: number): void {
    this.core = this.#make({ applied });
  }

  #make(extra: NodeOptions = {}): RawNode {
    const deps = { random: createSeededRandom(this.id), logger: silentLogger };
    return new RawNode({ ...this.#options, ...extra, id: this.id }, this.storage, deps);
  }

  #store(ready: Ready): void {
    if (ready.snapshot !== undefined) this.storage.applySnapshot(ready.snapshot);
    this.storage.append(ready.entries);
    if (ready.hardState !== undefined) this.storage.setHardState(ready.hardState);
    if (ready.softState !== undefined) this.roles.push(ready.softState.role);
    this.readStates.push(...ready.readStates);
  }

  #apply(committed: Entry): void {
    this.applied.push(committed);
    let { confState } = this.storage.initialState();
    if (committed.type !== 'normal') {
      confState = this.core.applyConfChange(decodeConfChange(committed.type, committed.data)!);
    }
    this.storage.setSnapshot(snapshotAt(committed.index, committed.term, confState));
  }
}

/** A node of a group of `voters`, whose log after index 0 has the terms given, in `term` (its last entry's, unless given). */
export function nodeWithLog(
  id: number,
  voters: readonly number[],
  terms: readonly number[],
  options: NodeOptions & { readonly term?: number; readonly commit?: number } = {},
): TestNode {
  const { term = terms.at(-1) ?? 0, commit = 0, ...rest } = options;
  const storage = new MemoryStorage();
  storage.setSnapshot(snapshotAt(0, 0, confStateOf(voters)));
  storage.append(terms.map((each, position) => entry(each, position + 1)));
  storage.setHardState({ term, vote: 0, commit });
  return new TestNode(id, rest, storage);
}

/** Makes `node` lead by granting it the votes of `voters`. */
export function elect(node: TestNode, voters: readonly number[]): Message[] {
  node.core.campaign();
  const sent = node.drain();
  for (const voter of voters) {
    sent.push(...node.receive(message('MsgVoteResp', voter, node.id, { term: node.core.term })));
  }
  assert(node.core.isLeader, 'the votes were not enough');
  return sent;
}

/** Nodes on a network that loses nothing but what `drops` says. */
export class Cluster {
  readonly nodes: readonly TestNode[];
  drops: (message: Message) => boolean = () => false;

  constructor(nodes: readonly TestNode[]) {
    this.nodes = nodes;
  }

  /** A group of nodes 1 to `count`, all voters. */
  static of(count: number, options: NodeOptions = {}): Cluster {
    const voters = Array.from({ length: count }, (_, position) => position + 1);
    return new Cluster(voters.map((id) => nodeWithLog(id, voters, [], options)));
  }

  node(id: number): TestNode {
    const found = this.nodes.find((node) => node.id === id);
    assert(found !== undefined, 'no such node', { id });
    return found;
  }

  /** Exchanges messages until there are none. */
  settle(): void {
    for (;;) {
      const messages = this.nodes.flatMap((node) => node.drain()).filter((each) => !this.drops(each));
      if (messages.length === 0) return;
      for (const each of messages) this.nodes.find((node) => node.id === each.to)?.core.step(each);
    }
  }

  /** Drops everything to and from `ids`. */
  isolate(...ids: number[]): void {
    this.drops = ({ from, to }) => ids.includes(from) || ids.includes(to);
  }

  heal(): void {
    this.drops = () => false;
  }
}
