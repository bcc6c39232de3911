import { raft_serverpb } from '@flotilla/protocol';
import type { HardState } from '@flotilla/raft';

/** The log of a region that did not come through raft begins after this index: the first one's, and one that a split made. */
export const initialIndex = 5;
/** The term of `initialIndex`. */
export const initialTerm = 5;

/** The apply state of a new region. */
export function initialApplyState(): raft_serverpb.RaftApplyState {
  return raft_serverpb.RaftApplyState.create({
    appliedIndex: initialIndex,
    appliedTerm: initialTerm,
    durableIndex: initialIndex,
    durableTerm: initialTerm,
    truncatedState: { index: initialIndex, term: initialTerm },
  });
}

/**
 * The raft state of a new region. `before` is what its peer stored while it knew nothing but its id: a vote that it gave
 * then is still given.
 */
export function initialRaftState(before: HardState | undefined): raft_serverpb.RaftLocalState {
  const keeps = before !== undefined && before.term >= initialTerm;
  return {
    hardState: { term: keeps ? before.term : initialTerm, vote: keeps ? before.vote : 0, commit: initialIndex },
    lastIndex: initialIndex,
    lastTerm: initialTerm,
  };
}

/**
 * Whether a region's raft database holds nothing but, perhaps, a vote, although the region has been made. A split writes
 * its new regions to the kv database alone, in the batch with the rest of it; their raft state follows with the first
 * vote or entry, and a start takes it for what it was at the beginning.
 */
export function isRaftStateInitial(
  raftState: raft_serverpb.RaftLocalState | undefined,
  applyState: raft_serverpb.RaftApplyState,
): boolean {
  const isAtStart = applyState.appliedIndex === initialIndex && applyState.truncatedState?.index === initialIndex;
  return isAtStart && (raftState === undefined || raftState.lastIndex === 0);
}
