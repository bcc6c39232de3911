import type { Mutant } from '../mutant.ts';

/** Bugs that the simulation has not been seen to catch yet: holes in its faults or checks. */
export const openMutants: readonly Mutant[] = [
  {
    id: 'transfer-takes-proposals',
    description: 'a leader takes proposals while it hands leadership over',
    profile: 'ambush',
    edits: [{ module: 'raft/node/proposal', find: '|| raft.transferee !== 0', replace: '' }],
  },
];
