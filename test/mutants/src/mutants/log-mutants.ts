import type { Mutant } from '../mutant.ts';

/** Bugs in the replication of the log and in what counts as committed. */
export const logMutants: readonly Mutant[] = [
  {
    id: 'commit-quorum-off-by-one',
    description: 'an entry is committed with one acknowledgement less than a majority',
    profile: 'network',
    edits: [
      {
        module: 'raft/quorum/majority',
        find: 'return scratch[count - (count >> 1) - 1];',
        replace: 'return scratch[Math.min(count - 1, count - (count >> 1))];',
      },
    ],
  },
  {
    id: 'commit-from-rejected-append',
    description: 'a follower takes the commit index of an append before it has compared the logs',
    profile: 'ambush',
    edits: [
      {
        module: 'raft/node/replication',
        find: 'const end = message.index + message.entries.length;',
        replace:
          'const end = message.index + message.entries.length;\n    log.commitTo(Math.min(message.commit, log.lastIndex()));',
      },
    ],
  },
  {
    id: 'heartbeat-commit-too-high',
    description: 'a heartbeat tells the commit index past what is known to match',
    profile: 'network',
    edits: [
      {
        module: 'raft/node/replication',
        find: 'message.commit = Math.min(progress.match, commitFor(raft, progress));',
        replace: 'message.commit = progress.match === 0 ? 0 : commitFor(raft, progress);',
      },
    ],
  },
  {
    id: 'append-without-previous',
    description: 'entries are appended behind an entry of another term than the leader has there',
    profile: 'network',
    edits: [
      {
        module: 'raft/log/raft-log',
        find: '!this.matchesTerm(previous, previousTerm)',
        replace: 'previous > this.lastIndex()',
      },
    ],
  },
  {
    id: 'append-truncates-always',
    description: 'an append drops what follows it, whether it conflicts or not',
    profile: 'network',
    edits: [
      {
        module: 'raft/log/raft-log',
        find: 'known < entries.length && this.matchesTerm(entries[known].index, entries[known].term)',
        replace: 'known < entries.length && entries[known].index <= this.#committed',
      },
    ],
  },
  {
    id: 'leader-counts-itself-early',
    description: 'a leader counts its own entries before they are durable',
    profile: 'crash',
    edits: [
      {
        module: 'raftstore/peer/peer',
        find: "const effect = { type: 'logPersisted', peerId: this.meta.id, message };",
        replace:
          "for (const response of message.responses)\n            if (response.to === this.meta.id && response.type === 'MsgAppResp')\n                this.node.step(response);\n        const effect = { type: 'logPersisted', peerId: this.meta.id, message };",
      },
    ],
  },
  {
    id: 'acknowledged-before-durable',
    description: 'a follower acknowledges entries before they are durable',
    profile: 'crash',
    edits: [
      {
        module: 'raft/node/outbox',
        find: 'message.term = raft.term;\n            raft.afterAppend.push(message);',
        replace:
          'message.term = raft.term;\n            (message.to === raft.id ? raft.afterAppend : raft.outbox).push(message);',
      },
    ],
  },
  {
    id: 'log-not-synced',
    description: 'writes of the log are not synced',
    profile: 'crash',
    edits: [
      {
        module: 'raftstore/raft-worker/log-writer',
        find: 'await engine.write(batch, { sync });',
        replace: 'await engine.write(batch, { sync: false });',
      },
    ],
  },
  {
    id: 'cache-keeps-overwritten-entries',
    description: 'the entry cache goes on serving entries that were replaced',
    profile: 'network',
    edits: [
      {
        module: 'raftstore/peer/entry-cache',
        find: 'this.#truncateFrom(next.index);',
        replace:
          'while (entries.length > 0 && entries[0].index <= last.index)\n                entries = entries.slice(1);',
      },
    ],
  },
  {
    id: 'learner-counts',
    description: 'the acknowledgement of a learner counts like that of a voter',
    profile: 'upheaval',
    edits: [
      {
        module: 'raft/tracker/progress-tracker',
        find: 'return jointCommittedIndex(this.#membership.incoming, this.#membership.outgoing, acked);',
        replace:
          'const { incoming, outgoing, learners } = this.#membership;\n        if (outgoing.length > 0 || learners.length === 0)\n            return jointCommittedIndex(incoming, outgoing, acked);\n        const all = [...incoming, ...learners].map((id) => acked.ackedIndex(id)).sort((a, b) => b - a);\n        return all[incoming.length >> 1];',
      },
    ],
  },
  {
    id: 'commit-entries-of-older-terms',
    description: 'entries of earlier terms are committed by counting (figure 8 of the Raft paper)',
    profile: 'ambush',
    edits: [{ module: 'raft/node/replication', find: '|| !raft.log.matchesTerm(index, raft.term)', replace: '' }],
  },
  {
    id: 'overwritten-tail-kept',
    description: 'a shorter log that replaces a longer one leaves the end of that on disk',
    profile: 'ambush',
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
    profile: 'upheaval',
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
    id: 'log-checksum-ignored',
    description: 'a record of the log is believed whatever its checksum says',
    profile: 'disks',
    edits: [{ module: 'engine/raft-record', find: 'return expected === found ?', replace: 'return true ?' }],
  },
];
