import type { ConfState } from '../message.ts';

/**
 * Who takes part, and how: the configuration that quorums are counted in.
 *
 * Invariant: every list is ascending and distinct; `learners` shares nothing with `incoming` and `outgoing`;
 * `learnersNext` is within `outgoing`; `learnersNext` and `autoLeave` are empty and false unless joint. Never modified:
 * a change makes a new one.
 *
 * Source: Raft paper, section 6; thesis 4.2.1 for learners, 4.3 for joint consensus.
 */
export interface Membership {
  /** Voters of the configuration being entered, or the only one. */
  readonly incoming: readonly number[];
  /** Voters of the configuration being left; non-empty exactly while joint. */
  readonly outgoing: readonly number[];
  /** Members that receive the log and never count. */
  readonly learners: readonly number[];
  /** Voters of `outgoing` that become learners on leaving the joint configuration. */
  readonly learnersNext: readonly number[];
  /** Whether the leader proposes to leave the joint configuration as soon as it has applied entering it. */
  readonly autoLeave: boolean;
}

/** A configuration of nobody. */
export const emptyMembership: Membership = Object.freeze({
  incoming: Object.freeze([]) as readonly number[],
  outgoing: Object.freeze([]) as readonly number[],
  learners: Object.freeze([]) as readonly number[],
  learnersNext: Object.freeze([]) as readonly number[],
  autoLeave: false,
});

/** Whether two majorities are needed. */
export function isJoint(membership: Membership): boolean {
  return membership.outgoing.length > 0;
}

/** Whether `id` votes in either half. */
export function isVoter(membership: Membership, id: number): boolean {
  return membership.incoming.includes(id) || membership.outgoing.includes(id);
}

/** Voters of both halves, ascending. */
export function voterIds(membership: Membership): readonly number[] {
  return isJoint(membership) ? union(membership.incoming, membership.outgoing) : membership.incoming;
}

/** Everyone the leader replicates to: voters of both halves and learners, ascending. */
export function memberIds(membership: Membership): readonly number[] {
  return union(voterIds(membership), membership.learners);
}

/** The configuration that a snapshot carries. */
export function membershipOf(state: ConfState): Membership {
  return {
    incoming: union(state.voters, []),
    outgoing: union(state.votersOutgoing, []),
    learners: union(state.learners, []),
    learnersNext: union(state.learnersNext, []),
    autoLeave: state.autoLeave,
  };
}

/** The configuration as a snapshot carries it. */
export function confStateOf(membership: Membership): ConfState {
  return {
    voters: membership.incoming,
    votersOutgoing: membership.outgoing,
    learners: membership.learners,
    learnersNext: membership.learnersNext,
    autoLeave: membership.autoLeave,
  };
}

/** The ids of both lists, ascending, each once. */
function union(left: readonly number[], right: readonly number[]): readonly number[] {
  if (left.length + right.length === 0) return emptyMembership.incoming;
  return [...new Set([...left, ...right])].sort((a, b) => a - b);
}
