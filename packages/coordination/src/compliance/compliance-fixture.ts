import { equal, fail } from 'node:assert/strict';
import { BackendError, type BackendErrorCode } from '../backend/backend-error.ts';
import type { CoordinationBackend } from '../backend/coordination-backend.ts';
import type { KeyValue } from '../backend/key-value.ts';
import type { Compare, CompareTarget, Operation, PutResult } from '../backend/transaction.ts';
import type { Watch, WatchEvent, WatchUpdate } from '../backend/watch.ts';

/** The store behind the implementation under test. One case has it to itself, but it need not be new. */
export interface ComplianceHarness {
  /** A backend of its own on the store; the harness's owner closes it. */
  open(): Promise<CoordinationBackend>;
  /** Waits on the clock that the store lives by. Rejects once the signal has aborted. */
  sleep(milliseconds: number, signal?: AbortSignal): Promise<void>;
}

/** One thing that every `CoordinationBackend` does; `run` rejects with an AssertionError when it does not. */
export interface ComplianceCase {
  readonly name: string;
  run(harness: ComplianceHarness): Promise<void>;
}

/** What a watch may take to yield something that is due, and what any poll may take. */
export const patienceMs = 15_000;

/** The range of every key. */
export const everything = { key: Uint8Array.of(0), end: new Uint8Array(0) } as const;

/** The bytes of a text: for keys and for values. */
export function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/** The text of bytes. */
export function text(of: Uint8Array): string {
  return new TextDecoder().decode(of);
}

/** A backend on the store, from which every key and lease was taken. */
export async function emptied(harness: ComplianceHarness): Promise<CoordinationBackend> {
  const backend = await harness.open();
  for (const leaseId of await backend.leases()) {
    // One that has just expired is as good.
    await backend.revokeLease(leaseId).catch(() => undefined);
  }
  await backend.delete(everything);
  return backend;
}

/** Writes a key. */
export function put(backend: CoordinationBackend, key: string, value = ''): Promise<PutResult> {
  return backend.put({ key: bytes(key), value: bytes(value) });
}

/** The revision the store is at. */
export async function revisionOf(backend: CoordinationBackend): Promise<bigint> {
  return (await backend.range({ key: bytes('any'), countOnly: true })).revision;
}

/** The key as it stands. */
export async function get(backend: CoordinationBackend, key: string): Promise<KeyValue | undefined> {
  return (await backend.range({ key: bytes(key) })).kvs[0];
}

/** The keys as texts. */
export function keysOf(kvs: readonly KeyValue[]): string[] {
  return kvs.map((kv) => text(kv.key));
}

/** A put, as an operation of a transaction. */
export function putting(key: string, value = ''): Operation {
  return { type: 'put', key: bytes(key), value: bytes(value) };
}

/** A read, as an operation of a transaction. */
export function reading(key: string): Operation {
  return { type: 'range', key: bytes(key) };
}

/** A condition on a key. */
export function compare(key: string, result: Compare['result'], target: CompareTarget): Compare {
  return { key: bytes(key), result, ...target };
}

/** Passes when the promise rejects with a BackendError of the code; resolves with it. */
export async function rejectsWith(promise: Promise<unknown>, code: BackendErrorCode): Promise<BackendError> {
  try {
    await promise;
  } catch (error) {
    if (!(error instanceof BackendError)) throw error;
    equal(error.code, code, `${error.code} in place of ${code}: ${error.message}`);
    return error;
  }
  fail(`nothing was thrown in place of ${code}`);
}

/** Tries until the condition holds. */
export async function eventually(
  harness: ComplianceHarness,
  holds: () => Promise<boolean>,
  what: string,
): Promise<void> {
  const stepMs = 25;
  for (let waitedMs = 0; waitedMs < patienceMs; waitedMs += stepMs) {
    if (await holds()) return;
    await harness.sleep(stepMs);
  }
  fail(`it never came to be that ${what}`);
}

/** Reads a watch and holds each update to what all of them promise. */
export class WatchReader {
  readonly watch: Watch;
  readonly #harness: ComplianceHarness;
  /** All events so far, in the order in which they came. */
  readonly events: WatchEvent[] = [];
  /** What the last `progress` or `events` went up to. */
  revision = 0n;
  #updates = 0;

  constructor(harness: ComplianceHarness, watch: Watch) {
    this.#harness = harness;
    this.watch = watch;
  }

  /** The next update; `undefined` at the end. */
  async next(): Promise<WatchUpdate | undefined> {
    const result = await this.#inTime(this.watch.next());
    if (result.done === true) return undefined;
    const update = result.value;
    this.#updates += 1;
    if (this.#updates === 1 && update.type !== 'compacted')
      equal(update.type, 'progress', 'the first update is progress');
    if (update.type === 'progress') {
      equal(update.revision >= this.revision, true, 'progress goes back');
      this.revision = update.revision;
    }
    if (update.type === 'events') this.#take(update.events, update.revision);
    return update;
  }

  /** Reads up to the first update, which says that the watch stands. */
  async stands(): Promise<this> {
    equal((await this.next())?.type, 'progress');
    return this;
  }

  /** Reads until so many events have come in all; resolves with those that came meanwhile. */
  async take(count: number): Promise<readonly WatchEvent[]> {
    const from = this.events.length;
    while (this.events.length < from + count) {
      const update = await this.next();
      if (update?.type !== 'progress' && update?.type !== 'events') fail(`the watch ended: ${update?.type}`);
    }
    return this.events.slice(from);
  }

  /** Asks for progress and reads until there is some up to `revision`; resolves with the events that came meanwhile. */
  async upTo(revision: bigint): Promise<readonly WatchEvent[]> {
    const from = this.events.length;
    this.watch.requestProgress();
    for (;;) {
      const update = await this.next();
      if (update?.type === 'progress' && update.revision >= revision) return this.events.slice(from);
      if (update?.type !== 'progress' && update?.type !== 'events') fail(`the watch ended: ${update?.type}`);
    }
  }

  #take(events: readonly WatchEvent[], revision: bigint): void {
    equal(events.length > 0, true, 'an update of events has some');
    const last = events.at(-1)?.kv.modRevision as bigint;
    equal(last <= revision, true, 'an update goes up to its last event at least');
    const first = events[0]?.kv.modRevision as bigint;
    equal(first > this.revision, true, `an event of revision ${first} comes after revision ${this.revision} was done`);
    for (const [index, event] of events.entries()) {
      const before = events[index - 1]?.kv.modRevision ?? 0n;
      equal(event.kv.modRevision >= before, true, 'events are in the order of their revisions');
    }
    this.events.push(...events);
    this.revision = revision;
  }

  async #inTime<T>(promise: Promise<T>): Promise<T> {
    const waiting = new AbortController();
    const late = this.#harness.sleep(patienceMs, waiting.signal).then(
      () => fail('the watch yields nothing'),
      () => promise,
    );
    try {
      return await Promise.race([promise, late]);
    } finally {
      waiting.abort();
    }
  }
}

/** Events as texts: `put a=1`, `delete a`. */
export function eventTexts(events: readonly WatchEvent[]): string[] {
  return events.map(({ type, kv }) =>
    type === 'put' ? `put ${text(kv.key)}=${text(kv.value)}` : `delete ${text(kv.key)}`,
  );
}
