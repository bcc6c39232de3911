import { commonMeanings, type ExitCode, exitCode, meaningOf, ProgramError, reasonOf } from '@flotilla/program';

/** Why a scheduler does not start. */
export type StartErrorCode =
  | 'directoryInUse'
  | 'directoryNotWritable'
  | 'otherVersion'
  | 'damagedData'
  | 'portInUse'
  | 'internal';

/** A scheduler that cannot start; the message tells a person what to do about it. */
export class StartError extends ProgramError<StartErrorCode, ExitCode> {
  override readonly name = 'StartError';

  override get exitCode(): ExitCode {
    return exitCode[this.code];
  }
}

const meaningOfCode: Readonly<Record<string, StartErrorCode>> = {
  ...commonMeanings,
  notASchedulerDatabase: 'damagedData',
};

/** What to do about it; it follows the reason. */
const adviceFor: Readonly<Record<StartErrorCode, string>> = {
  directoryInUse: ': another process uses it; stop that one, or give this one a --data-dir of its own',
  directoryNotWritable: '',
  otherVersion: '',
  damagedData: '; start with another --data-dir, or restore this one from a copy',
  portInUse: '; stop what listens there, or choose another address',
  internal: '',
};

/** Names what went wrong while `doing` something; an error whose causes have no meaning here is internal. */
export function toStartError(doing: string, cause: unknown): StartError {
  if (cause instanceof StartError) return cause;
  const code = meaningOf(cause, meaningOfCode);
  // What LevelDB says of its lock would only confuse.
  const reason = code === 'directoryInUse' ? '' : `: ${reasonOf(cause)}`;
  return new StartError(code, `${doing}${reason}${adviceFor[code]}`, { cause });
}
