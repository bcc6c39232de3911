/**
 * What the exit code of `flotilla-scheduler` means to a supervisor. Numbers from 64 follow sysexits.h where it has a
 * match, and are the same as those of `flotilla-node`; 130 is 128 + SIGINT.
 */
export const exitCode = {
  stopped: 0,
  invalidOptions: 64,
  /** The database is not what was written, or not a scheduler's. */
  damagedData: 65,
  internal: 70,
  portInUse: 72,
  directoryNotWritable: 73,
  directoryInUse: 75,
  otherVersion: 78,
  /** A second signal, or too long a shutdown, ended the process. */
  forced: 130,
} as const;

/** One of the documented exit codes. */
export type ExitCode = (typeof exitCode)[keyof typeof exitCode];
