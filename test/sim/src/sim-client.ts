import { BatchIncompleteError, ClientError } from '@flotilla/client';
import type { Random } from '@flotilla/runtime';
import type { HistoryRecorder, Json, OpenOperation, SimulatedClient, TestCluster } from '@flotilla/test-harness';
import { drawTransfer, newBank, type OpenBank, openingOf, readBank } from './bank.ts';
import type { EventTrace } from './event-trace.ts';
import {
  bankPrefix,
  bytesOf,
  elementKey,
  elementOf,
  isRivalKey,
  linkKey,
  listKey,
  registerKeys,
  setPrefix,
  textOf,
} from './key-space.ts';

/** Virtual time after which other registers are used, so that what a checker has to search stays short. */
const generationMs = 20_000;
/** Elements of a list before the next one begins. */
const longestList = 25;

/** Links of a chain before the next one begins. */
const longestChain = 5;

/** The histories that clients record; each checker has its own. */
export interface Histories {
  readonly registers: HistoryRecorder;
  readonly lists: HistoryRecorder;
  readonly sets: HistoryRecorder;
  readonly banks: HistoryRecorder;
}

/** What all clients share. */
export interface SimClientOptions {
  readonly cluster: TestCluster;
  readonly histories: Histories;
  readonly trace: EventTrace;
  readonly meanPauseMs: number;
  readonly timeScale: number;
  /** The latest bank of each client. */
  readonly banks: OpenBank[];
}

/** One client: it reads and writes registers and sets that it shares with others, and lists and banks that it alone writes. */
export class SimClient {
  /** Operations that ended, by outcome. */
  readonly tally = { ok: 0, fail: 0, info: 0 };
  readonly number: number;
  readonly #options: SimClientOptions;
  readonly #client: SimulatedClient;
  readonly #random: Random;
  #operations = 0;
  #lists = 0;
  #list: string[] = [];
  #chains = 0;
  #links = 0;
  #banks = 0;
  #bank: OpenBank;

  constructor(number: number, options: SimClientOptions) {
    this.number = number;
    this.#options = options;
    // No write of unknown outcome is repeated: it would be two writes.
    this.#client = options.cluster.createClient(`sim ${number}`, {
      requestTimeoutMs: 5_000 * options.timeScale,
      attemptTimeoutMs: 1_000 * options.timeScale,
      retryMaxMs: 100 * options.timeScale,
    });
    this.#random = options.cluster.world.random.fork(`sim client ${number}`);
    this.#bank = this.#nextBank();
  }

  async work(isOver: () => boolean): Promise<void> {
    const { meanPauseMs } = this.#options;
    while (!isOver()) {
      await this.#operate();
      await this.#client.runtime.timers.sleep(this.#random.fraction() * 2 * meanPauseMs);
    }
  }

  close(): Promise<void> {
    return this.#client.close();
  }

  #operate(): Promise<void> {
    this.#operations += 1;
    const id = `${this.number}.${this.#operations}`;
    const dice = this.#random.fraction();
    if (dice < 0.2) return this.#add(id);
    if (dice < 0.27) return this.#readSet();
    if (dice < 0.36) return this.#append(id);
    if (dice < 0.42) return this.#link(id);
    if (dice < 0.47) return this.#readList();
    if (dice < 0.5) return this.#readChain();
    if (dice < 0.57) return this.#transfer();
    if (dice < 0.63) return this.#count();
    const keys = registerKeys(this.#generation);
    const key = keys[this.#random.integer(0, keys.length)] ?? '';
    if (dice < 0.64) return this.#write('put', key, '');
    if (dice < 0.79) return this.#write('put', key, id);
    return dice < 0.82 ? this.#write('delete', key, null) : this.#get(key);
  }

  async #write(op: 'put' | 'delete', key: string, id: string | null): Promise<void> {
    const call = this.#options.histories.registers.invoke(this.number, op, key, id);
    await this.#settle(`${op} ${key} ${id}`, [call], async () => {
      if (id === null) await this.#client.raw.delete(Buffer.from(key));
      else await this.#client.raw.put(Buffer.from(key), bytesOf(id));
      return null;
    });
  }

  async #get(key: string): Promise<void> {
    const call = this.#options.histories.registers.invoke(this.number, 'get', key);
    await this.#settle(`get ${key}`, [call], async () => textOf(await this.#client.raw.get(Buffer.from(key))));
  }

  /** Adds an element to a set by putting a key of its own. */
  async #add(id: string): Promise<void> {
    const set = setPrefix(this.#generation);
    const call = this.#options.histories.sets.invoke(this.number, 'add', set, id);
    await this.#settle(`add ${set} ${id}`, [call], async () => {
      await this.#client.raw.put(Buffer.from(elementKey(set, id)), bytesOf(id));
      return null;
    });
  }

  async #readSet(): Promise<void> {
    const generation = this.#random.integer(0, this.#generation + 1);
    const set = setPrefix(generation);
    const call = this.#options.histories.sets.invoke(this.number, 'read', set);
    await this.#settle(`scan ${set}`, [call], async () => {
      const elements: string[] = [];
      for await (const page of this.#client.raw.scanPages({ start: Buffer.from(set), end: Buffer.from(`${set}~`) })) {
        for (const { key, value } of page) if (!isRivalKey(key)) elements.push(elementOf(key, value));
      }
      return elements;
    });
  }

  /** Appends by writing the whole list, which nobody else writes; after an unknown outcome it is left as it is. */
  async #append(id: string): Promise<void> {
    if (this.#list.length >= longestList) this.#nextList();
    const key = listKey(this.number, this.#lists);
    const list = [...this.#list, id];
    const call = this.#options.histories.lists.invoke(this.number, 'append', key, id);
    const outcome = await this.#settle(`append ${key} ${id}`, [call], async () => {
      await this.#client.raw.put(Buffer.from(key), Buffer.from(JSON.stringify(list)));
      return null;
    });
    if (outcome === 'ok') this.#list = list;
    if (outcome === 'info') this.#nextList();
  }

  async #readList(): Promise<void> {
    const key = listKey(this.#random.integer(0, this.number + 1), this.#random.integer(0, this.#lists + 1));
    const call = this.#options.histories.lists.invoke(this.number, 'read', key);
    await this.#settle(`read ${key}`, [call], async () => {
      const value = await this.#client.raw.get(Buffer.from(key));
      return value === undefined ? [] : (JSON.parse(Buffer.from(value).toString()) as Json);
    });
  }

  /** Appends to a list of which each element has a key, and likely a region, of its own; each once the one before is there. */
  async #link(id: string): Promise<void> {
    if (this.#links >= longestChain) this.#nextChain();
    const key = linkKey(this.number, this.#chains, this.#links);
    const call = this.#options.histories.lists.invoke(this.number, 'append', chainName(this.number, this.#chains), id);
    const outcome = await this.#settle(`link ${key} ${id}`, [call], async () => {
      await this.#client.raw.put(Buffer.from(key), bytesOf(id));
      return null;
    });
    if (outcome === 'ok') this.#links += 1;
    if (outcome === 'info') this.#nextChain();
  }

  /**
   * Reads a chain from its end on, one key after the other. Where a link is missing, all before it are looked at later: so
   * what is found is what the chain was at some moment of the read.
   */
  async #readChain(): Promise<void> {
    const client = this.#random.integer(0, this.number + 1);
    const chain = this.#random.integer(0, this.#chains + 1);
    const call = this.#options.histories.lists.invoke(this.number, 'read', chainName(client, chain));
    await this.#settle(`read chain ${client}/${chain}`, [call], async () => {
      const found: Json[] = [];
      for (let link = longestChain - 1; link >= 0; link -= 1) {
        const value = textOf(await this.#client.raw.get(Buffer.from(linkKey(client, chain, link))));
        if (value !== null) found.unshift(value);
      }
      return found;
    });
  }

  #nextChain(): void {
    this.#chains += 1;
    this.#links = 0;
  }

  /** Moves money between two accounts at once; the first time, puts it there. After an unknown outcome comes another bank. */
  async #transfer(): Promise<void> {
    const { prefix, balances, isOpen } = this.#bank;
    const { writes, changed } = isOpen
      ? drawTransfer(this.#bank, this.#random)
      : { writes: openingOf(this.#bank), changed: balances };
    const input = Object.fromEntries(changed);
    const call = this.#options.histories.banks.invoke(this.number, isOpen ? 'transfer' : 'open', prefix, input);
    const outcome = await this.#settle(`bank ${prefix} ${JSON.stringify(input)}`, [call], async () => {
      await this.#client.raw.putMany(writes);
      return null;
    });
    if (outcome === 'info') this.#bank = this.#nextBank();
    if (outcome !== 'ok') return;
    this.#bank.isOpen = true;
    for (const [account, balance] of changed) balances.set(account, balance);
  }

  /** Counts the money of somebody's bank. */
  async #count(): Promise<void> {
    const { banks, cluster, histories, trace } = this.#options;
    const bank = banks[this.#random.integer(0, banks.length)] ?? this.#bank;
    const call = histories.banks.invoke(this.number, 'read', bank.prefix);
    const output = await readBank(cluster, bank, this.#random);
    trace.note(`client ${this.number}: count ${bank.prefix} → ${JSON.stringify(output) ?? 'nothing'}`);
    if (output === undefined) call.fail();
    else call.ok(output);
    this.tally[output === undefined ? 'fail' : 'ok'] += 1;
  }

  #nextBank(): OpenBank {
    const bank = newBank(bankPrefix(this.number, this.#banks));
    this.#banks += 1;
    this.#options.banks[this.number] = bank;
    return bank;
  }

  #nextList(): void {
    this.#lists += 1;
    this.#list = [];
  }

  get #generation(): number {
    const { cluster, timeScale } = this.#options;
    return Math.floor(cluster.world.nowMs / (generationMs * timeScale));
  }

  async #settle(
    what: string,
    calls: readonly OpenOperation[],
    operate: () => Promise<Json>,
  ): Promise<'ok' | 'fail' | 'info'> {
    const { trace } = this.#options;
    trace.note(`client ${this.number}: ${what}`);
    try {
      const output = await operate();
      for (const call of calls) call.ok(output);
      this.tally.ok += 1;
      trace.note(`client ${this.number}: ${what} → ok ${output === null ? '' : JSON.stringify(output)}`);
      return 'ok';
    } catch (error) {
      if (!(error instanceof ClientError)) throw error;
      const outcome = mayHaveHappened(error) ? 'info' : 'fail';
      for (const call of calls) call[outcome]();
      this.tally[outcome] += 1;
      trace.note(`client ${this.number}: ${what} → ${error.code}`);
      return outcome;
    }
  }
}

/** What the history calls a chain. */
function chainName(client: number, chain: number): string {
  return `chain ${client}/${chain}`;
}

/** Whether some of what was asked for may have taken effect. */
function mayHaveHappened(error: ClientError): boolean {
  if (!(error instanceof BatchIncompleteError)) return error.code === 'outcomeUnknown';
  return error.succeeded > 0 || error.failures.some((failure) => failure.error.code === 'outcomeUnknown');
}
