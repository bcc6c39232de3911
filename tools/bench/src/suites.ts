import { runClusterSuite } from './cluster/suite.ts';
import { runCoordinationSuite } from './coordination/suite.ts';
import { runIdleRegionsSuite } from './idle-regions/suite.ts';
import { runRaftSuite } from './raft/suite.ts';

/** Measures something and prints it line by line; `args` are what follows the suite's name. */
export type Suite = (print: (line: string) => void, args: readonly string[]) => void | Promise<void>;

/** Every suite, by the name it is asked for. */
export const suites: ReadonlyMap<string, Suite> = new Map<string, Suite>([
  ['cluster', runClusterSuite],
  ['coordination', runCoordinationSuite],
  ['idle-regions', runIdleRegionsSuite],
  ['raft', runRaftSuite],
]);
