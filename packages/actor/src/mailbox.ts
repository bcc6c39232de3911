import { assert } from '@flotilla/runtime';
import { Ring } from './ring.ts';

/** What became of a message handed to a mailbox: nothing is ever dropped without one of these. */
export type SendOutcome = 'accepted' | 'full' | 'closed';

/** Whatever takes messages: a mailbox, or something that addresses and forwards them to one. */
export interface Recipient<Message> {
  /** Takes a message, or says why it cannot. Never blocks and never throws. */
  send(message: Message): SendOutcome;
  /** As `send`, but may use the room that is reserved for control messages. */
  sendControl(message: Message): SendOutcome;
}

/**
 * A bounded first-in first-out queue of typed messages with one reader.
 *
 * Part of the bound may be reserved for control messages (ticks, results, answers), so that they still fit when
 * commands have filled the rest: two actors whose mailboxes are full of commands can still answer each other. Control
 * messages wait their turn like any other; the reserve is room, not priority.
 */
export interface Mailbox<Message> extends Recipient<Message> {
  readonly name: string;
  /** The most messages it holds, the reserve included; a whole number of at least 1. */
  readonly capacity: number;
  /** How many of those only `sendControl` can use; less than `capacity`. */
  readonly reserved: number;
  /** Messages waiting now. */
  readonly length: number;
  /** Appends a message while fewer than `capacity − reserved` wait, or says why it cannot. Never blocks and never throws. */
  send(message: Message): SendOutcome;
  /** Appends a message while fewer than `capacity` wait, or says why it cannot. Never blocks and never throws. */
  sendControl(message: Message): SendOutcome;
  /** Moves up to `most` waiting messages to the end of `into`; returns how many. */
  drain(into: Message[], most: number): number;
  /** Refuses further messages and returns those that were still waiting, for their senders to be answered. */
  close(): Message[];
  /** Calls `wake` when the mailbox stops being empty, and at once when messages already wait; one reader only. */
  onMessage(wake: () => void): void;
}

/** What a mailbox may be given beyond its name and capacity. */
export interface MailboxOptions {
  /** Room that only control messages can use, within the capacity; by default none. */
  readonly reserved?: number;
}

/**
 * A mailbox that holds up to `capacity` messages.
 *
 * @throws {InvariantError} when `capacity` is not a whole number ≥ 1, or `reserved` not one in [0, capacity).
 */
export function createMailbox<Message>(name: string, capacity: number, options: MailboxOptions = {}): Mailbox<Message> {
  return new RingMailbox<Message>(name, capacity, options.reserved ?? 0);
}

class RingMailbox<Message> implements Mailbox<Message> {
  readonly name: string;
  readonly capacity: number;
  readonly reserved: number;
  readonly #waiting = new Ring<Message>();
  #wake: (() => void) | undefined;
  #isClosed = false;

  constructor(name: string, capacity: number, reserved: number) {
    assert(Number.isSafeInteger(capacity) && capacity >= 1, 'a capacity is a whole number of at least 1', {
      name,
      capacity,
    });
    assert(Number.isSafeInteger(reserved) && reserved >= 0 && reserved < capacity, 'a reserve leaves room for others', {
      name,
      capacity,
      reserved,
    });
    this.name = name;
    this.capacity = capacity;
    this.reserved = reserved;
  }

  get length(): number {
    return this.#waiting.length;
  }

  send(message: Message): SendOutcome {
    return this.#append(message, this.capacity - this.reserved);
  }

  sendControl(message: Message): SendOutcome {
    return this.#append(message, this.capacity);
  }

  drain(into: Message[], most: number): number {
    return this.#waiting.drain(into, most);
  }

  close(): Message[] {
    this.#isClosed = true;
    const left: Message[] = [];
    this.#waiting.drain(left, this.#waiting.length);
    return left;
  }

  onMessage(wake: () => void): void {
    assert(this.#wake === undefined, 'a mailbox has one reader', { name: this.name });
    this.#wake = wake;
    if (this.#waiting.length > 0) wake();
  }

  #append(message: Message, limit: number): SendOutcome {
    if (this.#isClosed) return 'closed';
    if (this.#waiting.length >= limit) return 'full';
    this.#waiting.push(message);
    if (this.#waiting.length === 1) this.#wake?.();
    return 'accepted';
  }
}
