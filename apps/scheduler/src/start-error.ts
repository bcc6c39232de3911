import { type ExitCode, exitCode } from './exit-code.ts';

/** Why a scheduler does not start. */
export type StartErrorCode =
  | 'directoryInUse'
  | 'directoryNotWritable'
  | 'otherVersion'
  | 'damagedData'
  | 'portInUse'
  | 'internal';

/** A scheduler that cannot start; the message tells a person what to do about it. */
export class StartError extends Error {
  readonly code: StartErrorCode;

  constructor(code: StartErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'StartError';
    this.code = code;
  }

  get exitCode(): ExitCode {
    return exitCode[this.code];
  }
}

const meaningOfCode: Readonly<Record<string, StartErrorCode>> = {
  engineLocked: 'directoryInUse',
  engineCorrupted: 'damagedData',
  schedulerDataCorrupted: 'damagedData',
  notASchedulerDatabase: 'damagedData',
  formatVersionMismatch: 'otherVersion',
  addressInUse: 'portInUse',
  addressNotAvailable: 'portInUse',
  permissionDenied: 'portInUse',
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

/**
 * Names what went wrong while `doing` something. The stable code nearest the cause decides, because what wraps it knows
 * less; an error without any is internal.
 */
export function toStartError(doing: string, cause: unknown): StartError {
  if (cause instanceof StartError) return cause;
  let code: StartErrorCode = 'internal';
  for (let error = cause; error instanceof Error; error = error.cause) {
    code = meaningOfCode[(error as { readonly code?: string }).code ?? ''] ?? code;
  }
  // What LevelDB says of its lock would only confuse.
  const reason = code === 'directoryInUse' ? '' : `: ${cause instanceof Error ? cause.message : String(cause)}`;
  return new StartError(code, `${doing}${reason}${adviceFor[code]}`, { cause });
}
