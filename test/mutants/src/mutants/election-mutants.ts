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
];
