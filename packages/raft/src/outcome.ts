/**
 * What became of a proposal: appended or passed on; dropped, because there is no leader to take it, leadership is being
 * transferred, or too much is uncommitted; or, for a change of membership that this leader cannot make now, refused: an
 * empty entry stands in its place.
 */
export type ProposeOutcome = 'accepted' | 'proposalDropped' | 'confChangeRefused';

/** What became of a read: waiting for its `ReadState`, or dropped because no leader is known or too many wait. */
export type ReadOutcome = 'accepted' | 'readDropped';

/**
 * What became of a message: taken in (which includes being ignored as stale), a proposal that was dropped, a message that
 * only a node itself may make, an answer from someone who is no member, or what no peer that keeps to the protocol sends.
 * All but the first change nothing.
 */
export type StepOutcome = 'ok' | 'proposalDropped' | 'stepLocalMessage' | 'stepPeerNotFound' | 'stepMalformed';
