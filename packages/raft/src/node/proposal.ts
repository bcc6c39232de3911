import { type ConfChangeError, changeMembership } from '../confchange/changer.ts';
import { type ConfChange, decodeConfChange } from '../confchange/conf-change.ts';
import { payloadSize } from '../log/entry-size.ts';
import type { Entry, EntryType } from '../message.ts';
import { draftMessage, type MessageDraft } from '../message-draft.ts';
import type { StepOutcome } from '../outcome.ts';
import { isJoint } from '../tracker/membership.ts';
import { send } from './outbox.ts';
import type { RaftState } from './raft-state.ts';
import { announce } from './replication.ts';

/** What an entry is to carry; the leader gives it its term and index. */
export interface Proposal {
  readonly type: EntryType;
  readonly data: Uint8Array;
}

const noData = new Uint8Array(0);

/** Leader: appends proposals and sends them on, or drops all of them. */
export function propose(raft: RaftState, proposals: readonly Proposal[]): StepOutcome {
  // A leader that has been removed keeps the others informed, but must not extend a log that it has no say in.
  if (raft.tracker.progress(raft.id) === undefined || raft.transferee !== 0) return 'proposalDropped';
  if (proposals.length === 0) return 'proposalDropped';
  const pendingBefore = raft.pendingConfIndex;
  const admitted = admit(raft, proposals);
  if (admitted === undefined || !appendOwn(raft, admitted)) {
    raft.pendingConfIndex = pendingBefore;
    return 'proposalDropped';
  }
  announce(raft);
  return 'ok';
}

/** Appends to the own log as leader; false when too much is uncommitted already. */
export function appendOwn(raft: RaftState, proposals: readonly Proposal[]): boolean {
  const first = raft.log.lastIndex() + 1;
  const entries = new Array<Entry>(proposals.length);
  for (let position = 0; position < proposals.length; position += 1) {
    const { type, data } = proposals[position]!;
    entries[position] = { type, term: raft.term, index: first + position, data };
  }
  const bytes = payloadSize(entries);
  // Always one proposal more than nothing, of any size; and always what has no payload, such as leaving a joint
  // configuration: the group must be able to go on.
  if (raft.uncommittedBytes > 0 && bytes > 0 && raft.uncommittedBytes + bytes > raft.config.maxUncommittedEntriesSize) {
    return false;
  }
  raft.uncommittedBytes += bytes;
  acknowledgeOwn(raft, raft.log.append(entries));
  return true;
}

/** The leader's own acknowledgement waits for its write like any other; one that still waits to be handed out covers more. */
function acknowledgeOwn(raft: RaftState, index: number): void {
  const last = raft.afterAppend.at(-1);
  if (raft.config.batchAppends && last?.type === 'MsgAppResp' && last.to === raft.id && last.term === raft.term) {
    // Still a draft: it has not been handed out.
    (last as MessageDraft).index = index;
    return;
  }
  const acknowledgement = draftMessage('MsgAppResp', raft.id);
  acknowledgement.index = index;
  send(raft, acknowledgement);
}

/**
 * Puts empty entries in place of changes of membership that cannot be made now: one before is not yet applied, or it does
 * not fit the present configuration. Undefined when a change cannot be read.
 *
 * Source: thesis 4.1: a change begins only when the one before is committed; here, applied.
 */
function admit(raft: RaftState, proposals: readonly Proposal[]): readonly Proposal[] | undefined {
  let admitted: Proposal[] | undefined;
  for (let position = 0; position < proposals.length; position += 1) {
    const { type, data } = proposals[position]!;
    if (type === 'normal') continue;
    const change = decodeConfChange(type, data);
    if (change === undefined) return undefined;
    const refusal = raft.config.disableConfChangeValidation ? undefined : refusalOf(raft, change);
    if (refusal !== undefined) {
      admitted ??= proposals.slice();
      admitted[position] = { type: 'normal', data: noData };
      raft.logger.info('change of membership refused', { refusal, applied: raft.log.applied });
    } else {
      raft.pendingConfIndex = raft.log.lastIndex() + position + 1;
    }
  }
  return admitted ?? proposals;
}

/**
 * Why a change cannot be made now. While none is pending, the present configuration is the one that the change will be
 * applied to, so that one which would not fit it can be told: once committed, it would stop every member.
 */
function refusalOf(raft: RaftState, change: ConfChange): ConfChangeError | 'pending' | 'emptyOutsideJoint' | undefined {
  if (raft.pendingConfIndex > raft.log.applied) return 'pending';
  const { membership } = raft.tracker;
  if (change.steps.length === 0 && !isJoint(membership)) return 'emptyOutsideJoint';
  const changed = changeMembership(membership, change);
  return typeof changed === 'string' ? changed : undefined;
}
