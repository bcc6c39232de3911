import { assert, createSeededRandom, silentLogger } from '@flotilla/runtime';
import { decodeConfChange } from '../../src/confchange/conf-change.ts';
import type { RaftConfig } from '../../src/config.ts';
import { appendThread, applyThread, type Entry, type Message } from '../../src/message.ts';
import type { Ready } from '../../src/node/ready.ts';
import { RawNode } from '../../src/raw-node.ts';
import type { ClusterLog } from './cluster-log.ts';
import type { Disk } from './disk.ts';

/** How a Ready is interrupted by a crash: not at all, before the write, or after it. */
export type Interruption = 'none' | 'beforeWrite' | 'afterWrite';

/** One node: its core, its disk, its storage threads; and the checks on what its core hands out. */
export class SimulatedNode {
  readonly id: number;
  readonly disk: Disk;
  core: RawNode;
  readonly #config: Partial<RaftConfig>;
  readonly #cluster: ClusterLog;
  readonly #send: (message: Message) => void;
  readonly #appendWork: { readonly message: Message; readonly mustSync: boolean }[] = [];
  readonly #applyWork: Message[] = [];
  #local: Message[] = [];
  /** The log as handed out: entry i has index `#before` + 1 + i. */
  #log: Entry[] = [];
  #before: { readonly index: number; readonly term: number };
  #committedThrough: number;
  #handedOut: number;
  /** While leading: the term, and the last index that was handed out as leader. */
  #led = { term: 0, last: 0 };
  #restarts = 0;
  /** What the cluster had committed when each read was asked for. */
  readonly #reads: Map<string, number> = new Map();

  constructor(
    id: number,
    config: Partial<RaftConfig>,
    disk: Disk,
    cluster: ClusterLog,
    send: (message: Message) => void,
  ) {
    this.id = id;
    this.disk = disk;
    this.#config = config;
    this.#cluster = cluster;
    this.#send = send;
    this.#before = { index: disk.applied, term: disk.appliedTerm };
    this.#committedThrough = disk.applied;
    this.#handedOut = disk.applied;
    this.core = this.#start();
  }

  restart(): void {
    this.#restarts += 1;
    this.disk.crash();
    this.#appendWork.length = 0;
    this.#applyWork.length = 0;
    this.#local = [];
    const first = this.disk.firstIndex();
    const term = this.disk.term(first - 1);
    assert(typeof term === 'number', 'the disk lost its own start');
    this.#before = { index: first - 1, term };
    const entries = this.disk.entries(first, this.disk.lastIndex() + 1, Number.POSITIVE_INFINITY);
    this.#log = typeof entries === 'string' ? [] : [...entries];
    this.#handedOut = this.disk.applied;
    this.#committedThrough = Math.max(this.#before.index, this.disk.applied);
    this.#led = { term: 0, last: 0 };
    this.core = this.#start();
  }

  /** Takes a Ready and does its work, as far as the crash that interrupts it lets it. */
  processReady(interruption: Interruption): void {
    if (!this.core.hasReady()) return;
    const ready = this.core.ready();
    this.#check(ready);
    if (this.#config.asyncStorageWrites === true) this.#dispatch(ready, interruption);
    else this.#processSync(ready, interruption);
    this.noticeLeadership();
    if (interruption !== 'none') this.restart();
  }

  processAppend(): void {
    const work = this.#appendWork.shift();
    if (work === undefined) return;
    this.#write(work.message, work.mustSync);
    this.#respond(work.message);
  }

  processApply(): void {
    const work = this.#applyWork.shift();
    if (work === undefined) return;
    this.#apply(work.entries);
    this.#respond(work);
  }

  /** Hands in what came from the own threads. */
  processLocal(): void {
    const messages = this.#local;
    this.#local = [];
    for (const message of messages) this.receive(message);
  }

  receive(message: Message): void {
    this.core.step(message);
    this.noticeLeadership();
  }

  read(): void {
    const context = Uint8Array.of(this.#reads.size & 0xff, this.#reads.size >> 8);
    if (this.core.readIndex(context) === 'accepted') this.#reads.set(context.join(), this.#cluster.lastCommitted);
  }

  compact(): void {
    // Only what has been applied may go, and some entries are kept for the others.
    this.disk.compact(this.disk.applied - 1);
  }

  /** Everything that this node's threads and core still have to do, until nothing is left. */
  drain(): void {
    for (let round = 0; round < 20; round += 1) {
      if (!this.core.hasReady() && this.#appendWork.length + this.#applyWork.length + this.#local.length === 0) return;
      this.processReady('none');
      while (this.#appendWork.length > 0) this.processAppend();
      while (this.#applyWork.length > 0) this.processApply();
      this.processLocal();
    }
  }

  /** Checks an election, as soon as it is won. */
  noticeLeadership(): void {
    if (!this.core.isLeader || this.#led.term === this.core.term) return;
    this.#led = { term: this.core.term, last: this.#lastIndex() };
    assert(this.#cluster.recordLeader(this.core.term, this.id), 'led one term twice', { id: this.id });
    this.#cluster.checkComplete(this.id, this.#before.index + 1, (index) => this.#termAt(index));
  }

  #start(): RawNode {
    const deps = { random: createSeededRandom(this.id * 1000 + this.#restarts), logger: silentLogger };
    return new RawNode({ ...this.#config, id: this.id, applied: this.disk.applied }, this.disk, deps);
  }

  #processSync(ready: Ready, interruption: Interruption): void {
    // A leader sends while it writes; what a follower sends waits for its write.
    const isEarly = this.core.isLeader;
    if (isEarly) for (const message of ready.messages) this.#send(message);
    if (interruption === 'beforeWrite') return;
    const { term, vote, commit } = ready.hardState ?? { term: 0, vote: 0, commit: 0 };
    const { entries, snapshot } = ready;
    this.#write({ term, vote, commit, entries, snapshot }, ready.mustSync);
    if (!isEarly) for (const message of ready.messages) this.#send(message);
    if (interruption === 'afterWrite') return;
    this.#apply(ready.committedEntries);
    this.core.advance();
  }

  #dispatch(ready: Ready, interruption: Interruption): void {
    for (const message of ready.messages) {
      if (message.to === appendThread) this.#appendWork.push({ message, mustSync: ready.mustSync });
      else if (message.to === applyThread) this.#applyWork.push(message);
      else this.#send(message);
    }
    if (interruption === 'afterWrite') while (this.#appendWork.length > 0) this.processAppend();
  }

  #write(work: Pick<Message, 'term' | 'vote' | 'commit' | 'entries' | 'snapshot'>, mustSync: boolean): void {
    const { term, vote, commit, entries, snapshot } = work;
    if (snapshot !== undefined) this.disk.install(snapshot);
    this.disk.append(entries);
    if (term !== 0) this.disk.write({ term, vote, commit }, mustSync || snapshot !== undefined);
  }

  #apply(entries: readonly Entry[]): void {
    for (const entry of entries) {
      assert(entry.index === this.disk.applied + 1, 'applied out of order', {
        id: this.id,
        index: entry.index,
        applied: this.disk.applied,
      });
      this.disk.applied = entry.index;
      this.disk.appliedTerm = entry.term;
      if (entry.type === 'normal') continue;
      const change = decodeConfChange(entry.type, entry.data);
      assert(change !== undefined, 'a malformed change of membership was committed');
      this.disk.confState = this.core.applyConfChange(change);
    }
    this.noticeLeadership();
  }

  #respond(work: Message): void {
    for (const response of work.responses) {
      if (response.to === this.id) this.#local.push(response);
      else this.#send(response);
    }
  }

  /** Checks what the core hands out against everything that the cluster has done so far. */
  #check(ready: Ready): void {
    this.noticeLeadership();
    const { snapshot, entries } = ready;
    if (snapshot !== undefined) {
      const { index, term } = snapshot.metadata;
      this.#before = { index, term };
      this.#log = [];
      this.#handedOut = index;
      this.#committedThrough = Math.max(this.#committedThrough, index);
    }
    if (entries.length > 0) this.#checkWritten(entries);
    const commit = ready.hardState?.commit ?? 0;
    for (let index = this.#committedThrough + 1; index <= Math.min(commit, this.#lastIndex()); index += 1) {
      this.#cluster.recordCommitted(this.#log[index - this.#before.index - 1]!);
      this.#committedThrough = index;
    }
    for (const entry of ready.committedEntries) {
      assert(entry.index === this.#handedOut + 1, 'committed entries out of order', {
        id: this.id,
        index: entry.index,
      });
      this.#handedOut = entry.index;
      this.#cluster.recordCommitted(entry);
    }
    for (const { index, context } of ready.readStates) {
      const needed = this.#reads.get(context.join());
      assert(needed !== undefined && index >= needed, 'a read would miss what was committed before it', {
        id: this.id,
        index,
        needed: needed ?? null,
      });
    }
  }

  #checkWritten(entries: readonly Entry[]): void {
    const first = entries[0]!.index;
    assert(first <= this.#lastIndex() + 1 && first > this.#committedThrough, 'entries leave a gap or undo a commit', {
      id: this.id,
      first,
      last: this.#lastIndex(),
    });
    if (this.core.isLeader && this.#led.term === this.core.term) {
      assert(first > this.#led.last, 'leader append-only', { id: this.id, first, last: this.#led.last });
      this.#led = { term: this.core.term, last: entries[entries.length - 1]!.index };
    }
    this.#log.length = first - this.#before.index - 1;
    for (const entry of entries) {
      this.#cluster.recordWritten(entry, this.#termAt(entry.index - 1) ?? -1);
      this.#log.push(entry);
    }
  }

  #lastIndex(): number {
    return this.#before.index + this.#log.length;
  }

  #termAt(index: number): number | undefined {
    if (index === this.#before.index) return this.#before.term;
    return this.#log[index - this.#before.index - 1]?.term;
  }
}
