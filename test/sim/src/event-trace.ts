import { eraftpb, type raft_serverpb } from '@flotilla/protocol';

/** Lines of the trace that are kept for people. */
const tailLength = 120;

const { MsgHeartbeat, MsgHeartbeatResponse } = eraftpb.MessageType;

const messageNames = new Map<number, string>(Object.entries(eraftpb.MessageType).map(([name, type]) => [type, name]));

interface Entry {
  readonly atMs: number;
  readonly text: string | (() => string);
}

/**
 * What happened in a simulation, in order: every message between stores, every operation of a client, every fault. All of it
 * goes into a hash, so that two runs can be compared; the latest of it is kept for people.
 */
export class EventTrace {
  readonly #now: () => number;
  readonly #tail: Entry[] = [];
  readonly #float = new Float64Array(1);
  readonly #words = new Uint32Array(this.#float.buffer);
  #next = 0;
  /** Heartbeats and their answers since the line that was kept last: so many of them tell people nothing. */
  #heartbeats = 0;
  #low = 0x811c9dc5;
  #high = 0x9e3779b9;

  constructor(now: () => number) {
    this.#now = now;
  }

  /** Notes an operation or a fault. */
  note(text: string): void {
    for (let at = 0; at < text.length; at += 1) this.#mix(text.charCodeAt(at));
    this.#keep(text);
  }

  /** Notes a message that a store sends. */
  message(message: raft_serverpb.RaftMessage, from: number): void {
    const { regionId, toPeer } = message;
    const inner = message.message;
    this.#mix(from);
    this.#mix(toPeer?.id ?? 0);
    this.#mix(regionId);
    if (inner !== undefined) {
      this.#mix(inner.msgType);
      this.#mix(inner.term);
      this.#mix(inner.index);
      this.#mix(inner.commit);
      this.#mix(inner.entries.length);
    }
    const isHeartbeat = inner?.msgType === MsgHeartbeat || inner?.msgType === MsgHeartbeatResponse;
    this.#keep(isHeartbeat ? undefined : () => describeMessage(message, from));
  }

  /** Sixteen digits that tell this history from any other. */
  get hash(): string {
    return [this.#high, this.#low].map((word) => (word >>> 0).toString(16).padStart(8, '0')).join('');
  }

  /** The latest lines, oldest first; heartbeats as how many there were. */
  tail(): string[] {
    this.#countHeartbeats();
    const entries = [...this.#tail.slice(this.#next), ...this.#tail.slice(0, this.#next)];
    return entries.map(
      ({ atMs, text }) => `${atMs.toFixed(2).padStart(11)}  ${typeof text === 'string' ? text : text()}`,
    );
  }

  #keep(text: Entry['text'] | undefined): void {
    const atMs = this.#now();
    this.#float[0] = atMs;
    this.#mix(this.#words[0] ?? 0);
    this.#mix(this.#words[1] ?? 0);
    if (text === undefined) {
      this.#heartbeats += 1;
      return;
    }
    this.#countHeartbeats();
    this.#push(atMs, text);
  }

  #countHeartbeats(): void {
    if (this.#heartbeats === 0) return;
    const count = this.#heartbeats;
    this.#heartbeats = 0;
    this.#push(this.#now(), () => `… ${count} heartbeats and answers`);
  }

  #push(atMs: number, text: Entry['text']): void {
    this.#tail[this.#next] = { atMs, text };
    this.#next = (this.#next + 1) % tailLength;
  }

  #mix(word: number): void {
    this.#low = Math.imul(this.#low ^ word, 0x01000193);
    this.#high = Math.imul((this.#high << 5) | (this.#high >>> 27), 0x85ebca6b) ^ this.#low;
  }
}

function describeMessage({ regionId, toPeer, message }: raft_serverpb.RaftMessage, from: number): string {
  const route = `store ${from} → ${toPeer?.storeId} region ${regionId}`;
  if (message === undefined) return `${route}: tombstone`;
  const { msgType, term, index, commit, entries, reject } = message;
  const kind = messageNames.get(msgType) ?? msgType;
  const parts = [`term ${term}`, `index ${index}`, `commit ${commit}`];
  if (entries.length > 0) parts.push(`${entries.length} entries`);
  if (reject) parts.push('reject');
  return `${route}: ${kind} ${parts.join(', ')}`;
}
