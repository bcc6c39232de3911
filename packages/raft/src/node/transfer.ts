import type { Message } from '../message.ts';
import { draftMessage } from '../message-draft.ts';
import type { Progress } from '../tracker/progress.ts';
import { send } from './outbox.ts';
import type { RaftState } from './raft-state.ts';
import { sendAppend } from './replication.ts';

/** The context of a vote request whose campaign the old leader asked for: it is heard in spite of that leader's lease. */
const transferCampaign: Uint8Array = new TextEncoder().encode('CampaignTransfer');

/** The context to put on the vote requests of a campaign that the leader asked for. */
export function transferContext(): Uint8Array {
  return transferCampaign.slice();
}

/** Whether a vote request is part of a transfer of leadership. */
export function isTransferCampaign(request: Message): boolean {
  const { context } = request;
  return context?.length === transferCampaign.length && context.every((byte, at) => byte === transferCampaign[at]);
}

/**
 * Leader: begins to hand leadership to a member. It stops taking proposals, catches the member up, and tells it to campaign;
 * after an election timeout it gives up.
 *
 * Source: thesis 3.10.
 */
export function handleTransfer(raft: RaftState, target: Progress): void {
  if (raft.tracker.isLearner(target.id) || target.id === raft.id || target.id === raft.transferee) return;
  raft.transferee = target.id;
  // The whole election timeout is granted from now on.
  raft.electionElapsed = 0;
  raft.logger.info('leadership transfer begins', { term: raft.term, to: target.id });
  if (target.match === raft.log.lastIndex()) sendTimeoutNow(raft, target.id);
  else sendAppend(raft, target);
}

/** Leader: gives up a transfer that is under way. */
export function abortTransfer(raft: RaftState): void {
  raft.transferee = 0;
}

/** Leader: tells a member whose log is complete to campaign at once. */
export function sendTimeoutNow(raft: RaftState, to: number): void {
  raft.leaseForfeited = true;
  send(raft, draftMessage('MsgTimeoutNow', to));
}
