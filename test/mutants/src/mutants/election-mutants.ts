import type { Mutant } from '../mutant.ts';

/** Bugs in elections, terms and votes. */
export const electionMutants: readonly Mutant[] = [
  {
    id: 'vote-before-durable',
    description: 'a vote is sent before term and vote are durable',
    profile: 'crash',
    edits: [
      {
        module: 'raft/node/outbox',
        find: "raft.afterAppend.push(message);\n            return;\n        case 'MsgAppResp':",
        replace:
          "(message.to === raft.id ? raft.afterAppend : raft.outbox).push(message);\n            return;\n        case 'MsgAppResp':",
      },
    ],
  },
  {
    id: 'vote-not-stored',
    description: 'term and vote are not part of what is stored',
    profile: 'crash',
    edits: [
      {
        module: 'raftstore/peer/peer-storage',
        find: 'const state = { hardState: this.#hardState,',
        replace: 'const state = { hardState: { ...this.#hardState, vote: 0, term: this.#lastTerm },',
      },
    ],
  },
  {
    id: 'vote-for-stale-log',
    description: 'a vote is given to a candidate whose log is behind',
    profile: 'network',
    edits: [
      {
        module: 'raft/node/election',
        find: 'mayVote && raft.log.isUpToDate(message.index, message.logTerm)',
        replace: 'mayVote',
      },
    ],
  },
  {
    id: 'vote-twice',
    description: 'a second candidate gets a vote in the same term',
    profile: 'network',
    edits: [
      { module: 'raft/node/election', find: '(raft.vote === 0 && raft.leader === 0)', replace: 'raft.leader === 0' },
    ],
  },
  {
    id: 'vote-quorum-off-by-one',
    description: 'an election is won with one vote less than a majority',
    profile: 'network',
    edits: [
      {
        module: 'raft/quorum/majority',
        find: 'const needed = (voters.length >> 1) + 1;',
        replace: 'const needed = Math.max(1, voters.length >> 1);',
      },
    ],
  },
  {
    id: 'stale-term-accepted',
    description: 'messages of earlier terms are handled like those of the present one',
    profile: 'network',
    edits: [
      {
        module: 'raft/node/step',
        find: 'enterTerm(raft, message) : answerStaleTerm(raft, message)',
        replace: 'enterTerm(raft, message) : true',
      },
    ],
  },
  {
    id: 'vote-within-lease',
    description: 'a voter that hears a leader answers campaigns all the same',
    profile: 'leases',
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
    profile: 'leases',
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
    profile: 'ambush',
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
        find: 'inTheWay.length === 0',
        replace: 'true',
      },
    ],
  },
];
