/**
 * What the exit code of `flotilla` means to a script. Numbers from 64 follow sysexits.h; 130 is 128 + SIGINT.
 */
export const exitCode = {
  ok: 0,
  /** There is no such key, value or instance. */
  notFound: 1,
  /** The command line does not make sense. */
  usage: 64,
  /** A record, key or value is malformed or too large; nothing of it was written. */
  badData: 65,
  /** The cluster could not be reached, or did not answer in time; what was asked had no effect. */
  unavailable: 69,
  /** A fault of this program or of a server. */
  internal: 70,
  /** A port of the playground is in use. */
  portInUse: 72,
  /**
   * An order is impossible as the cluster stands, or has ended without being done; replicas differ; another version, or another
   * holder of the lock, is in the way.
   */
  notDone: 73,
  /** The results could not be written, for instance because the disk is full. */
  outputFailed: 74,
  /** A write may or may not have taken effect; a get tells. */
  outcomeUnknown: 75,
  /** The lock, the office or the registration was lost; a command that was run under the lock was ended. */
  lockLost: 76,
  /** The command to run under a lock cannot be run, or is not there. Source: the convention of shells. */
  commandNotRunnable: 126,
  commandNotFound: 127,
  interrupted: 130,
} as const;

/** One of the documented exit codes. */
export type ExitCode = (typeof exitCode)[keyof typeof exitCode];
