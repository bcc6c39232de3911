import { runRaftSuite } from './raft/suite.ts';

/** Measures something and prints it line by line. */
export type Suite = (print: (line: string) => void) => void | Promise<void>;

/** Every suite, by the name it is asked for. */
export const suites: ReadonlyMap<string, Suite> = new Map([['raft', runRaftSuite]]);
