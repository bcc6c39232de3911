import { type ChildProcess, fork } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Runtime } from '@flotilla/runtime';
import { GuardedFile } from './guarded-file.ts';
import { endOf, type LockStore, startLockStore } from './lock-store.ts';
import type { HolderMessage, LockKind, SoakMessage } from './message.ts';
import { SoakTally, type SoakVerdict } from './soak-tally.ts';

/** What a run is to be. */
export interface LockSoakOptions {
  readonly kind: LockKind;
  readonly store: LockStore['type'];
  readonly seconds: number;
  readonly ttlMs: number;
  readonly processes: number;
  readonly runtime: Runtime;
  /** Gives the run up early; it is judged as far as it came. */
  readonly signal?: AbortSignal | undefined;
}

interface Holder {
  readonly number: number;
  child: ChildProcess;
  isOut: boolean;
}

/** `dist` also where this file runs from its source. */
const entry = fileURLToPath(new URL('../dist/holder.js', import.meta.url));
/** With more of them out nobody might be left to contend. */
const mostOut = 2;

/** Runs a soak and judges it. */
export async function runLockSoak(options: LockSoakOptions): Promise<SoakVerdict> {
  const directory = await mkdtemp(join(tmpdir(), 'flotilla-soak-'));
  const running = await startLockStore(options.store);
  const soak = new LockSoak(options, running.store, new GuardedFile(join(directory, 'guarded.ndjson')));
  try {
    await soak.run();
    return soak.verdict();
  } finally {
    await soak.close();
    await running.close();
    await rm(directory, { recursive: true, force: true });
  }
}

class LockSoak {
  readonly #options: LockSoakOptions;
  readonly #store: LockStore;
  readonly #file: GuardedFile;
  readonly #tally: SoakTally;
  readonly #holders: Holder[] = [];
  readonly #ending = new AbortController();

  constructor(options: LockSoakOptions, store: LockStore, file: GuardedFile) {
    this.#options = options;
    this.#store = store;
    this.#file = file;
    this.#tally = new SoakTally(options.runtime.clock);
  }

  async run(): Promise<void> {
    const { processes, runtime, seconds, signal } = this.#options;
    for (let number = 1; number <= processes; number += 1) {
      const holder = { number, isOut: false } as Holder;
      this.#holders.push(holder);
      this.#spawn(holder);
    }
    const stop = (): void => this.#ending.abort();
    signal?.addEventListener('abort', stop, { once: true });
    const timer = runtime.timers.after(seconds * 1000, stop);
    while (!this.#ending.signal.aborted) await this.#strike();
    timer.cancel();
    signal?.removeEventListener('abort', stop);
  }

  verdict(): SoakVerdict {
    return this.#tally.verdict(this.#file, this.#options.ttlMs);
  }

  async close(): Promise<void> {
    this.#ending.abort();
    await Promise.all(this.#holders.map(({ child }) => endOf(child)));
  }

  #spawn(holder: Holder): void {
    const { kind, runtime, ttlMs } = this.#options;
    const child = fork(entry, [], {
      // Not those of a test runner, which would load sources.
      execArgv: [],
      serialization: 'advanced',
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    holder.child = child;
    const seed = runtime.random.integer(0, 2 ** 31);
    child.on('message', (message: HolderMessage) => {
      if (holder.child !== child || this.#ending.signal.aborted) return;
      if (message.type === 'ready')
        this.#send(child, { type: 'start', task: { kind, store: this.#store, ttlMs, seed } });
      else this.#hear(holder, message);
    });
    child.on('exit', (code) => {
      if (holder.child === child && code !== null && !this.#ending.signal.aborted) this.#tally.crashed(code);
    });
  }

  #hear(holder: Holder, message: Exclude<HolderMessage, { readonly type: 'ready' }>): void {
    const { number, child } = holder;
    switch (message.type) {
      case 'acquired':
        this.#tally.acquired(number);
        break;
      case 'use': {
        this.#tally.used(number);
        const answer = this.#file.use(number, this.#tally.latest, message.token, message.base);
        this.#send(child, { type: 'answer', id: message.id, ...answer });
        break;
      }
      case 'refused':
        if (message.believed) this.#tally.believed += 1;
        break;
      case 'lost':
        this.#tally.lost += 1;
        break;
      case 'released':
        this.#tally.released(number);
        break;
      case 'failed':
        this.#tally.failed(message.message);
        break;
    }
  }

  #send(child: ChildProcess, message: SoakMessage): void {
    if (child.connected) child.send(message, () => undefined);
  }

  /** Waits a while and then pauses or kills whoever holds the lock. */
  async #strike(): Promise<void> {
    const { random, timers } = this.#options.runtime;
    await timers.sleep(400 + random.integer(0, 1600), this.#ending.signal).catch(() => undefined);
    const holder = this.#holders.find(({ number }) => number === this.#tally.holding);
    if (holder === undefined || holder.isOut || this.#ending.signal.aborted) return;
    if (this.#holders.filter(({ isOut }) => isOut).length >= mostOut) return;
    holder.isOut = true;
    if (random.integer(0, 5) < 3) void this.#pause(holder);
    else void this.#kill(holder);
  }

  async #pause(holder: Holder): Promise<void> {
    const { runtime, ttlMs } = this.#options;
    this.#tally.pauses += 1;
    holder.child.kill('SIGSTOP');
    await runtime.timers.sleep(ttlMs * (1.2 + runtime.random.fraction()), this.#ending.signal).catch(() => undefined);
    holder.child.kill('SIGCONT');
    holder.isOut = false;
  }

  async #kill(holder: Holder): Promise<void> {
    const { runtime } = this.#options;
    this.#tally.kills += 1;
    await endOf(holder.child);
    await runtime.timers.sleep(500, this.#ending.signal).catch(() => undefined);
    if (this.#ending.signal.aborted) return;
    this.#spawn(holder);
    holder.isOut = false;
  }
}
