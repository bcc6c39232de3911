import type { raft_serverpb } from '@flotilla/protocol';

/** What became of a message handed to the transport. */
export type TransportOutcome = 'accepted' | 'full' | 'unknownStore' | 'closed';

/** Carries raft messages to other stores. Messages may be lost, doubled, delayed and re-ordered; none is altered. */
export interface Transport {
  /** Queues a message for `message.toPeer.storeId`. Never blocks, never throws. */
  send(message: raft_serverpb.RaftMessage): TransportOutcome;
  /**
   * Streams a snapshot: first `message`, whose raft message is the `MsgSnapshot`, then `files` in order. Resolves when the
   * receiver has stored all of it; rejects when it has not, and nothing of it is kept there.
   */
  sendSnapshot(
    message: raft_serverpb.RaftMessage,
    files: AsyncIterable<Uint8Array>,
    signal: AbortSignal,
  ): Promise<void>;
}
