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
];
