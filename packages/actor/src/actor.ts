import { assert, type Timers } from '@flotilla/runtime';
import type { Mailbox } from './mailbox.ts';

/** Handles the messages of one actor, one batch at a time and never two at once. */
export interface ActorHandler<Message> {
  /** Handles the messages in order; the next batch waits for the promise, when one is returned. */
  handleBatch(batch: readonly Message[]): void | Promise<void>;
}

/** Why an actor ended although nobody stopped it. */
export interface ActorFailure<Message> {
  /** The actor's name. */
  readonly name: string;
  /** What the handler threw. */
  readonly cause: unknown;
  /** The batch that was being handled: how far it got is not known. */
  readonly batch: readonly Message[];
  /** The messages that were never handled, oldest first, for their senders to be answered. */
  readonly waiting: readonly Message[];
}

/** What an actor needs. */
export interface ActorOptions<Message> {
  readonly name: string;
  /** Where its messages wait; the actor is its one reader and closes it when it ends. */
  readonly mailbox: Mailbox<Message>;
  readonly handler: ActorHandler<Message>;
  readonly timers: Timers;
  /** The most messages of a batch; at least 1. A larger one groups more writes, and serves I/O less often. */
  readonly maxBatch: number;
  /** Hears, once, that the handler threw and that the actor has therefore ended. */
  readonly onFailure: (failure: ActorFailure<Message>) => void;
}

/** An actor that has been started. */
export interface Actor<Message> {
  readonly name: string;
  /** Whether it will handle further batches. */
  readonly isRunning: boolean;
  /**
   * Ends the actor: closes its mailbox, waits for the batch that is being handled, and returns the messages that never
   * were, oldest first. A second call waits too, and returns none. Must not be awaited by the actor's own handler.
   */
  stop(): Promise<Message[]>;
}

/**
 * Starts an actor: it wakes when its mailbox stops being empty, and hands what waits to its handler in batches, each a
 * fresh array. Between batches it lets I/O be served.
 */
export function startActor<Message>(options: ActorOptions<Message>): Actor<Message> {
  const { maxBatch } = options;
  assert(Number.isSafeInteger(maxBatch) && maxBatch >= 1, 'a batch holds at least one message', { maxBatch });
  return new BatchActor(options);
}

class BatchActor<Message> implements Actor<Message> {
  readonly #options: ActorOptions<Message>;
  #isRunning = true;
  #isScheduled = false;
  /** Set while a batch is handled; resolves, and never rejects, when it is done. */
  #handling: Promise<void> | undefined;

  constructor(options: ActorOptions<Message>) {
    this.#options = options;
    options.mailbox.onMessage(() => this.#schedule());
  }

  get name(): string {
    return this.#options.name;
  }

  get isRunning(): boolean {
    return this.#isRunning;
  }

  async stop(): Promise<Message[]> {
    this.#isRunning = false;
    const waiting = this.#options.mailbox.close();
    await this.#handling;
    return waiting;
  }

  #schedule(): void {
    if (!this.#isRunning || this.#isScheduled || this.#handling !== undefined) return;
    this.#isScheduled = true;
    this.#options.timers.defer(() => {
      this.#isScheduled = false;
      this.#handleNext();
    });
  }

  #handleNext(): void {
    const batch: Message[] = [];
    // Nothing waits when the actor was stopped meanwhile: that closed the mailbox.
    if (this.#options.mailbox.drain(batch, this.#options.maxBatch) === 0) return;
    try {
      const handled = this.#options.handler.handleBatch(batch);
      if (handled !== undefined) {
        this.#handling = this.#settle(handled, batch);
        return;
      }
    } catch (cause) {
      this.#fail(cause, batch);
      return;
    }
    this.#continue();
  }

  async #settle(handled: Promise<void>, batch: readonly Message[]): Promise<void> {
    try {
      await handled;
    } catch (cause) {
      this.#handling = undefined;
      this.#fail(cause, batch);
      return;
    }
    this.#handling = undefined;
    this.#continue();
  }

  #continue(): void {
    if (this.#options.mailbox.length > 0) this.#schedule();
  }

  #fail(cause: unknown, batch: readonly Message[]): void {
    this.#isRunning = false;
    const waiting = this.#options.mailbox.close();
    this.#options.onFailure({ name: this.name, cause, batch, waiting });
  }
}
