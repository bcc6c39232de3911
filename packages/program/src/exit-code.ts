/**
 * What the exit code of a server program means to a supervisor; a program may add its own. Numbers from 64 follow
 * sysexits.h where it has a match; 130 is 128 + SIGINT.
 */
export const exitCode = {
  stopped: 0,
  invalidOptions: 64,
  /** What is on disk is not what was written, or not this program's. */
  damagedData: 65,
  internal: 70,
  portInUse: 72,
  directoryNotWritable: 73,
  directoryInUse: 75,
  otherVersion: 78,
  /** A second signal, or too long a shutdown, ended the process. */
  forced: 130,
} as const;

/** One of the exit codes that every program has. */
export type ExitCode = (typeof exitCode)[keyof typeof exitCode];
