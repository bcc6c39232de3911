import type { Entry, Message, MessageType } from './message.ts';

/** A message that is being made. */
export type MessageDraft = { -readonly [Field in keyof Message]: Message[Field] };

const noEntries: readonly Entry[] = Object.freeze([]);
const noMessages: readonly Message[] = Object.freeze([]);

/**
 * A message with every field that its type does not use empty.
 *
 * One literal for all of them, so that every message has the same shape and the hot paths stay monomorphic.
 */
export function draftMessage(type: MessageType, to: number): MessageDraft {
  return {
    type,
    to,
    from: 0,
    term: 0,
    logTerm: 0,
    index: 0,
    entries: noEntries,
    commit: 0,
    vote: 0,
    snapshot: undefined,
    reject: false,
    rejectHint: 0,
    context: undefined,
    responses: noMessages,
  };
}
