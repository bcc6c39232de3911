import { assert } from '@flotilla/runtime';
import type { MessageDraft } from '../message-draft.ts';
import type { RaftState } from './raft-state.ts';

/**
 * Queues a message: fills in its sender and term, and puts answers that promise something durable behind the write that
 * makes it so.
 *
 * Invariant: an acknowledgement or a vote leaves only after the entries, term and vote that it speaks for are durable.
 * Rejections of the same types wait with them, so that answers keep their order.
 *
 * Source: Raft paper, figure 2: "updated on stable storage before responding to RPCs".
 */
export function send(raft: RaftState, message: MessageDraft): void {
  if (message.from === 0) message.from = raft.id;
  switch (message.type) {
    case 'MsgVote':
    case 'MsgPreVote':
      assert(message.term !== 0, 'a campaign message needs its term', { type: message.type });
      raft.outbox.push(message);
      return;
    case 'MsgVoteResp':
    case 'MsgPreVoteResp':
      assert(message.term !== 0, 'a campaign message needs its term', { type: message.type });
      raft.afterAppend.push(message);
      return;
    case 'MsgAppResp':
      message.term = raft.term;
      raft.afterAppend.push(message);
      return;
    case 'MsgProp':
    case 'MsgReadIndex':
      // Requests to whoever leads: they hold in any term.
      raft.outbox.push(message);
      return;
    default:
      message.term = raft.term;
      raft.outbox.push(message);
  }
}
