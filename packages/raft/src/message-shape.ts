import type { Message } from './message.ts';

/**
 * Whether a message says something that its type can mean: entries of an append follow each other and what precedes them,
 * with terms that do not fall; a snapshot message has a snapshot.
 *
 * A peer that keeps to the protocol sends nothing else. What it does not keep to must not get into the log.
 */
export function isWellFormed(message: Message): boolean {
  switch (message.type) {
    case 'MsgApp':
      return hasCoherentEntries(message);
    case 'MsgSnap':
      return message.snapshot !== undefined;
    default:
      return true;
  }
}

function hasCoherentEntries(message: Message): boolean {
  let { index, logTerm: term } = message;
  for (const entry of message.entries) {
    index += 1;
    if (entry.index !== index || entry.term < term || entry.term > message.term) return false;
    term = entry.term;
  }
  return true;
}
