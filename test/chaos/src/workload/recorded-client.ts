import { ClientError, type Pair, type RawClient } from '@flotilla/client';
import type { HistoryRecorder, Json, OpenOperation } from '@flotilla/test-harness';
import { endOfPrefix, parseElementKey } from './key-space.ts';
import { type WorkloadProgress, wallMs } from './message.ts';
import { bytesOf, idOf } from './value-text.ts';

/** What recorded clients share. */
export interface Recording {
  readonly history: HistoryRecorder;
  /** Hears of an answer that the client's contract does not allow. */
  readonly onOddity: (text: string) => void;
}

/** Counts what ends. */
export class Tally implements WorkloadProgress {
  ok = 0;
  failed = 0;
  unknown = 0;
  ackedAtMs = 0;
}

/** A client whose operations are recorded, with the outcomes that its errors promise. */
export class RecordedClient {
  readonly #client: RawClient;
  readonly #recording: Recording;
  readonly #tally: Tally;
  readonly #timeoutMs: number;

  /** `timeoutMs` is what an operation may take, retries included. */
  constructor(client: RawClient, recording: Recording, tally: Tally, timeoutMs: number) {
    this.#client = client;
    this.#recording = recording;
    this.#tally = tally;
    this.#timeoutMs = timeoutMs;
  }

  async put(process: number, key: string, id: string): Promise<void> {
    const call = this.#recording.history.invoke(process, 'put', key, id);
    await this.#write(call, () => this.#client.put(Buffer.from(key), bytesOf(id), { timeoutMs: this.#timeoutMs }));
  }

  async delete(process: number, key: string): Promise<void> {
    const call = this.#recording.history.invoke(process, 'delete', key);
    await this.#write(call, () => this.#client.delete(Buffer.from(key), { timeoutMs: this.#timeoutMs }));
  }

  /** Adds an element to a set by putting its key. */
  async add(process: number, set: string, element: number, key: string): Promise<void> {
    const call = this.#recording.history.invoke(process, 'add', set, element);
    await this.#write(call, () => this.#client.put(Buffer.from(key), bytesOf(key), { timeoutMs: this.#timeoutMs }));
  }

  async get(process: number, key: string, signal?: AbortSignal): Promise<void> {
    const call = this.#recording.history.invoke(process, 'get', key);
    await this.#read([call], async () => {
      const value = await this.#client.get(Buffer.from(key), { timeoutMs: this.#timeoutMs, signal });
      call.ok(value === undefined ? null : idOf(value));
    });
  }

  /**
   * Scans all registers with a prefix, which are `keys`: a read of each of them at some time during the scan. Keys that nobody
   * knows of are recorded too, as reads of what nobody wrote. Processes from `process` on are used. Says whether it succeeded.
   */
  async scanRegisters(process: number, prefix: string, keys: readonly string[]): Promise<boolean> {
    const calls = keys.map((key, position) => this.#recording.history.invoke(process + position, 'get', key));
    return this.#read(calls, async () => {
      const pairs = await this.#scan(prefix);
      const found = new Map(pairs.map(({ key, value }) => [Buffer.from(key).toString(), idOf(value)]));
      for (const [position, key] of keys.entries()) {
        calls[position]?.ok(found.get(key) ?? null);
        found.delete(key);
      }
      for (const [key, value] of found) this.#recording.history.invoke(process, 'get', key).ok(value);
    });
  }

  /** Scans all sets with a prefix, which are `sets`: a read of each. Says whether it succeeded. */
  async scanSets(process: number, prefix: string, sets: readonly string[]): Promise<boolean> {
    const calls = sets.map((set, position) => this.#recording.history.invoke(process + position, 'read', set));
    return this.#read(calls, async () => {
      const elements = new Map<string, Json[]>(sets.map((set) => [set, []]));
      for (const pair of await this.#scan(prefix)) {
        const key = Buffer.from(pair.key).toString();
        const { prefix: set, element } = parseElementKey(key);
        const value = idOf(pair.value);
        const seen = elements.get(set) ?? [];
        elements.set(set, seen);
        seen.push(value === key ? element : value);
      }
      for (const [position, set] of sets.entries()) {
        calls[position]?.ok(elements.get(set) ?? []);
        elements.delete(set);
      }
      for (const [set, seen] of elements) this.#recording.history.invoke(process, 'read', set).ok(seen);
    });
  }

  async #scan(prefix: string): Promise<Pair[]> {
    const range = { start: Buffer.from(prefix), end: Buffer.from(endOfPrefix(prefix)) };
    const pairs: Pair[] = [];
    for await (const page of this.#client.scanPages(range, { timeoutMs: this.#timeoutMs })) pairs.push(...page);
    return pairs;
  }

  async #write(call: OpenOperation, send: () => Promise<void>): Promise<void> {
    try {
      await send();
    } catch (error) {
      if (this.#codeOf(error) === 'outcomeUnknown') {
        call.info();
        this.#tally.unknown += 1;
      } else {
        call.fail();
        this.#tally.failed += 1;
      }
      return;
    }
    call.ok();
    this.#tally.ok += 1;
    this.#tally.ackedAtMs = wallMs();
  }

  async #read(calls: readonly OpenOperation[], read: () => Promise<void>): Promise<boolean> {
    try {
      await read();
    } catch (error) {
      this.#codeOf(error);
      for (const call of calls) call.fail();
      this.#tally.failed += 1;
      return false;
    }
    this.#tally.ok += 1;
    return true;
  }

  /** An error's code; what is no error of the client, or says that the call was wrong, is odd, and proves nothing. */
  #codeOf(error: unknown): string {
    if (error instanceof ClientError) {
      if (error.code === 'invalidArgument') this.#recording.onOddity(`${error.code}: ${error.message}`);
      return error.code;
    }
    this.#recording.onOddity(`no error of the client: ${error instanceof Error ? error.stack : String(error)}`);
    return 'outcomeUnknown';
  }
}
