/**
 * What the exit code of `flotilla-node` means to a supervisor. Numbers from 64 follow sysexits.h where it has a match;
 * 130 is 128 + SIGINT.
 */
export const exitCode = {
  stopped: 0,
  invalidOptions: 64,
  /** A record on disk is not what was written. */
  damagedData: 65,
  internal: 70,
  portInUse: 72,
  directoryNotWritable: 73,
  directoryInUse: 75,
  otherCluster: 76,
  otherVersion: 78,
  /** A second signal ended the shutdown. */
  forced: 130,
} as const;

/** One of the documented exit codes. */
export type ExitCode = (typeof exitCode)[keyof typeof exitCode];
