import { Worker } from 'node:worker_threads';
import { processClock, type Runtime, unreachable } from '@flotilla/runtime';
import type { BackendLocation } from '../../backend/coordination-backend.ts';
import type { RenewerEvent, RenewerMessage, ThreadEvent } from './message.ts';
import type { Renewer } from './spawn.ts';

/** How often in a row a thread may end before its backend is open, until it is done without one. */
const mostFailures = 3;
/** The wait before the second thread; it doubles with each further one. */
const restartMs = 100;

/**
 * A renewer on a thread that is there for as long as there are leases, and a while longer. While a thread is yet to open its backend
 * a stand-in renews in this one. A thread that ends is replaced, and told all that the former one was to do: deadlines are in shared
 * memory, so that nothing else is lost, and a lease that two renew for a moment is none the worse for it.
 */
export class ThreadRenewer implements Renewer {
  readonly clock = processClock;
  readonly #location: BackendLocation;
  readonly #runtime: Runtime;
  readonly #onEvent: (event: RenewerEvent) => void;
  readonly #spawnInline: () => Renewer;
  /** What a new thread has to be told, by session. */
  readonly #kept = new Map<number, RenewerMessage>();
  /** Renewals that were asked for and are not confirmed, by request. */
  readonly #asked = new Map<number, RenewerMessage>();
  #thread: Worker | undefined;
  /** Renews while no thread does. */
  #standIn: Renewer | undefined;
  #failuresInARow = 0;
  #isRestarting = false;

  /** @param spawnInline What renews where no thread can be had. */
  constructor(
    location: BackendLocation,
    runtime: Runtime,
    onEvent: (event: RenewerEvent) => void,
    spawnInline: (onEvent: (event: RenewerEvent) => void) => Renewer,
  ) {
    this.#location = location;
    this.#runtime = runtime;
    this.#onEvent = onEvent;
    this.#spawnInline = () => spawnInline((event) => onEvent(this.#heard(event)));
  }

  send(message: RenewerMessage): void {
    this.#note(message);
    if (this.#thread === undefined && !this.#isRestarting && this.#failuresInARow < mostFailures) {
      if (this.#kept.size > 0) this.#start();
      return;
    }
    this.#standIn?.send(message);
    this.#thread?.postMessage(message);
    this.#hold();
  }

  #note(message: RenewerMessage): void {
    switch (message.type) {
      case 'keep':
        this.#kept.set(message.sessionId, message);
        return;
      case 'renew':
        this.#asked.set(message.requestId, message);
        return;
      case 'forget':
        this.#drop(message.sessionId);
        return;
      default:
        unreachable(message, 'message to the renewer of leases');
    }
  }

  #drop(sessionId: number): void {
    this.#kept.delete(sessionId);
    for (const [requestId, asked] of this.#asked) if (asked.sessionId === sessionId) this.#asked.delete(requestId);
  }

  /** Starts a thread, and has a stand-in renew until it is ready; tells both everything. */
  #start(): void {
    this.#isRestarting = false;
    // Without the flags of this process: loaders and test conditions have no place in a compiled entry.
    const thread = new Worker(new URL('../../../dist/session/worker/entry.js', import.meta.url), {
      name: 'lease-renewer',
      workerData: this.#location,
      execArgv: [],
    });
    this.#thread = thread;
    let cause: unknown;
    thread.on('message', (event: ThreadEvent) => this.#take(event));
    thread.on('error', (error) => {
      cause = error;
    });
    thread.on('exit', () => this.#takeEnd(cause));
    this.#standIn ??= this.#standInForAll();
    for (const message of this.#toDo()) thread.postMessage(message);
    this.#hold();
  }

  #standInForAll(): Renewer {
    const standIn = this.#spawnInline();
    for (const message of this.#toDo()) standIn.send(message);
    return standIn;
  }

  #toDo(): readonly RenewerMessage[] {
    return [...this.#kept.values(), ...this.#asked.values()];
  }

  /** The thread keeps the process alive only while it keeps a lease. */
  #hold(): void {
    if (this.#kept.size > 0) this.#thread?.ref();
    else this.#thread?.unref();
  }

  #take(event: ThreadEvent): void {
    if (event.type === 'ready') {
      this.#failuresInARow = 0;
      for (const sessionId of this.#kept.keys()) this.#standIn?.send({ type: 'forget', sessionId });
      this.#standIn = undefined;
      return;
    }
    this.#onEvent(this.#heard(event));
  }

  /** Takes note of what a renewer says, also of what the stand-in does. */
  #heard(event: RenewerEvent): RenewerEvent {
    if (event.type === 'renewed') for (const requestId of event.requestIds) this.#asked.delete(requestId);
    if (event.type === 'lost') {
      const { sessionId } = event;
      this.#drop(sessionId);
      this.#standIn?.send({ type: 'forget', sessionId });
      this.#thread?.postMessage({ type: 'forget', sessionId });
      this.#hold();
    }
    return event;
  }

  #takeEnd(cause: unknown): void {
    this.#thread = undefined;
    // It had rested long enough; nobody needs another.
    if (this.#kept.size === 0) return;
    const { logger, timers } = this.#runtime;
    this.#standIn ??= this.#standInForAll();
    this.#failuresInARow += 1;
    if (this.#failuresInARow >= mostFailures) {
      logger.error('leases are renewed in this thread: no other could be started', { error: cause });
      return;
    }
    const waitMs = restartMs * 2 ** (this.#failuresInARow - 1);
    logger.warn('the thread that renews leases ended, and is started again', { error: cause, waitMs });
    this.#isRestarting = true;
    timers.after(waitMs, () => {
      this.#isRestarting = false;
      if (this.#kept.size > 0 && this.#thread === undefined) this.#start();
    });
  }
}
