import { assert } from '@flotilla/runtime';
import type { Recipient, SendOutcome } from './mailbox.ts';

/** What became of a message sent through a router. */
export type RouteOutcome = SendOutcome | 'notFound';

/** How a broadcast went: how many recipients accepted it, and how many refused it and why. */
export interface BroadcastOutcome {
  readonly accepted: number;
  readonly full: number;
  readonly closed: number;
}

/**
 * Finds the recipient of a message by id.
 *
 * A recipient is usually a mailbox; for many regions served by one actor it is a small object that adds the region's
 * id and sends to the actor's mailbox, so that a region's existence is checked before its message takes any room.
 */
export class Router<Id, Message> {
  readonly #recipients = new Map<Id, Recipient<Message>>();

  /** How many ids are registered. */
  get size(): number {
    return this.#recipients.size;
  }

  /**
   * Makes `recipient` reachable under `id`.
   *
   * @throws {InvariantError} when the id is taken; unregister it first.
   */
  register(id: Id, recipient: Recipient<Message>): void {
    assert(!this.#recipients.has(id), 'an id is registered once', { id });
    this.#recipients.set(id, recipient);
  }

  /** Makes `id` unreachable; messages already accepted stay where they are. Returns whether it was registered. */
  unregister(id: Id): boolean {
    return this.#recipients.delete(id);
  }

  /** Whether `id` is registered. */
  has(id: Id): boolean {
    return this.#recipients.has(id);
  }

  /** The registered ids, in the order they were registered. */
  ids(): Id[] {
    return [...this.#recipients.keys()];
  }

  /** Sends to the recipient registered under `id`. */
  send(id: Id, message: Message): RouteOutcome {
    return this.#recipients.get(id)?.send(message) ?? 'notFound';
  }

  /** As `send`, but may use the room that is reserved for control messages. */
  sendControl(id: Id, message: Message): RouteOutcome {
    return this.#recipients.get(id)?.sendControl(message) ?? 'notFound';
  }

  /** Sends one message to every recipient, in the order they were registered. */
  broadcast(message: Message): BroadcastOutcome {
    return this.#broadcast((recipient) => recipient.send(message));
  }

  /** As `broadcast`, but may use the room that is reserved for control messages. */
  broadcastControl(message: Message): BroadcastOutcome {
    return this.#broadcast((recipient) => recipient.sendControl(message));
  }

  #broadcast(sendTo: (recipient: Recipient<Message>) => SendOutcome): BroadcastOutcome {
    const outcome = { accepted: 0, full: 0, closed: 0 };
    for (const recipient of this.#recipients.values()) outcome[sendTo(recipient)] += 1;
    return outcome;
  }
}
