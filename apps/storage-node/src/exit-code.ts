import { exitCode as commonExitCode } from '@flotilla/program';

/** What the exit code of `flotilla-node` means to a supervisor: what every program's does, and one of its own. */
export const exitCode = { ...commonExitCode, otherCluster: 76 } as const;

/** One of the documented exit codes. */
export type ExitCode = (typeof exitCode)[keyof typeof exitCode];
