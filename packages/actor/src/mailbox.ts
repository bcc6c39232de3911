/** What became of a message handed to a mailbox: nothing is ever dropped without one of these. */
export type SendOutcome = 'accepted' | 'full' | 'closed';

/** A bounded first-in first-out queue of typed messages with one reader. */
export interface Mailbox<Message> {
  readonly name: string;
  /** The most messages it holds; a whole number of at least 1. */
  readonly capacity: number;
  /** Messages waiting now. */
  readonly length: number;
  /** Appends a message, or says why it cannot. Never blocks and never throws. */
  send(message: Message): SendOutcome;
  /** Moves up to `most` waiting messages to the end of `into`; returns how many. */
  drain(into: Message[], most: number): number;
  /** Refuses further messages and returns those that were still waiting, for their senders to be answered. */
  close(): Message[];
  /** Calls `wake` when the mailbox stops being empty; one reader only. */
  onMessage(wake: () => void): void;
}
