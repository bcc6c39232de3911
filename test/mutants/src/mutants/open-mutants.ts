import type { Mutant } from '../mutant.ts';

/** Bugs that the simulation has not been seen to catch yet: holes in its faults or checks. */
export const openMutants: readonly Mutant[] = [
  {
    id: 'commit-entries-of-older-terms',
    description: 'entries of earlier terms are committed by counting (figure 8 of the Raft paper)',
    profile: 'swarm',
    edits: [{ module: 'raft/node/replication', find: '|| !raft.log.matchesTerm(index, raft.term)', replace: '' }],
  },
  {
    id: 'overwritten-tail-kept',
    description: 'a shorter log that replaces a longer one leaves the end of that on disk',
    profile: 'storm',
    edits: [
      {
        module: 'engine/raft-log-store',
        find: 'for (; index <= previousLastIndex; index += 1)',
        replace: 'for (; false; index += 1)',
      },
    ],
  },
  {
    id: 'joint-counts-incoming-only',
    description: 'while two configurations are in force, the majority of the new one is enough',
    profile: 'regions',
    edits: [
      {
        module: 'raft/quorum/joint',
        find: 'return outgoing.length === 0 ? first : Math.min(first, majorityCommittedIndex(outgoing, acked));',
        replace: 'return first;',
      },
      {
        module: 'raft/quorum/joint',
        find: 'const second = majorityVoteResult(outgoing, votes);',
        replace: 'const second = first;',
      },
    ],
  },
  {
    id: 'read-outside-region',
    description: 'a read is run whatever has become of the region since',
    profile: 'regions',
    edits: [
      {
        module: 'raftstore/peer/read-command',
        find: 'checkEpoch(request, region, store.regions) ?? checkKeys(request, region)',
        replace: 'undefined',
      },
    ],
  },
  {
    id: 'read-before-first-commit',
    description: 'a new leader answers reads before it knows what was committed before its term',
    profile: 'network',
    edits: [
      {
        module: 'raft/node/reading',
        find: 'if (hasCommittedInTerm(raft))\n        beginRead(raft, read);',
        replace: 'if (true)\n        beginRead(raft, read);',
      },
    ],
  },
  {
    id: 'lease-during-transfer',
    description: 'a leader reads by its lease after it has told another peer to campaign',
    profile: 'reads',
    edits: [
      {
        module: 'raft/node/reading',
        find: '!raft.leaseForfeited &&\n        raft.transferee === 0 &&',
        replace: '',
      },
    ],
  },
  {
    id: 'vote-within-lease',
    description: 'a voter that hears a leader answers campaigns all the same',
    profile: 'reads',
    edits: [
      {
        module: 'raft/node/election',
        find: 'return raft.leader !== 0 && raft.electionElapsed < raft.config.electionTick;',
        replace: 'return false;',
      },
    ],
  },
  {
    id: 'restarted-votes-at-once',
    description: 'a voter that was restarted forgets that a lease may be out',
    profile: 'reads',
    edits: [
      {
        module: 'raftstore/peer-host',
        find: 'return Math.max(0, Math.ceil(electionTicks - openTicks));',
        replace: 'return 0;',
      },
    ],
  },
  {
    id: 'split-forgets-votes',
    description: 'a vote that a new region was asked for before the split got here is forgotten, and given again',
    profile: 'regions',
    edits: [
      {
        module: 'raftstore/region-parts',
        find: 'const voted = existing?.storage.hardState;',
        replace: 'const voted = undefined;',
      },
      {
        module: 'raftstore/region-parts',
        find: 'voted ?? host.logStore.stateSync(region.id)?.hardState',
        replace: 'voted',
      },
      {
        module: 'raftstore/store-worker/store-worker',
        find: 'this.#options.regions.overlapping(startKey, endKey).length === 0',
        replace: 'true',
      },
    ],
  },
  {
    id: 'tombstone-ignored',
    description: 'a late message brings back a peer that was removed',
    profile: 'storm',
    edits: [
      {
        module: 'raftstore/store-worker/store-worker',
        find: 'message.isTombstone || this.#isForTombstone(message)',
        replace: 'message.isTombstone',
      },
    ],
  },
];
