import type { Mutant } from '../mutant.ts';

/** Bugs in reads and leases. */
export const readMutants: readonly Mutant[] = [
  {
    id: 'read-without-round',
    description: 'a leader answers reads at once, without asking whether it still leads',
    profile: 'reads',
    edits: [
      {
        module: 'raft/node/reading',
        find: 'if (isLeaseHeld && mayUseLease(raft))',
        replace: "if (raft.role === 'leader' && hasCommittedInTerm(raft))",
      },
    ],
  },
  {
    id: 'read-before-applied',
    description: 'a read does not wait until what was committed before it is applied',
    profile: 'crash',
    edits: [
      {
        module: 'raftstore/peer/read-queue',
        find: 'round.index === undefined || round.index > appliedIndex',
        replace: 'round.index === undefined',
      },
    ],
  },
  {
    id: 'lease-never-ends',
    description: 'a lease holds on after a pause, and for ever',
    profile: 'reads',
    edits: [
      {
        module: 'raftstore/peer/read-lease',
        find: 'nowMs - old.atMs >= this.#leaseMs',
        replace: 'false',
      },
    ],
  },
  {
    id: 'read-outside-region',
    description: 'a read is run whatever has become of the region since',
    profile: 'ambush',
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
    profile: 'ambush',
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
    profile: 'leases',
    edits: [
      {
        module: 'raft/node/reading',
        find: '!raft.leaseForfeited &&\n        raft.transferee === 0 &&',
        replace: '',
      },
    ],
  },
  {
    id: 'lease-after-transfer',
    description: 'a lease counts again once a transfer is given up, though the other peer may still campaign',
    profile: 'leases',
    edits: [
      {
        module: 'raft/node/transfer',
        find: 'raft.leaseForfeited = true;',
        replace: '',
      },
    ],
  },
  {
    id: 'replica-reads-by-itself',
    description: 'a replica answers reads from what it has, without asking its leader',
    profile: 'reads',
    edits: [
      {
        module: 'raftstore/peer/read-admission',
        find: "if (node.readIndex(context, peer.lease?.isHeld(node, nowMs()) ?? false) !== 'accepted')",
        replace:
          "if (!peer.isLeader)\n        reads.confirm(context, 0);\n    else if (node.readIndex(context, peer.lease?.isHeld(node, nowMs()) ?? false) !== 'accepted')",
      },
    ],
  },
];
