/** Why a program does not start, or has stopped; the message tells a person what to do about it. */
export abstract class ProgramError<Code extends string, ExitCode extends number> extends Error {
  readonly code: Code;

  constructor(code: Code, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }

  abstract get exitCode(): ExitCode;
}

/** The meanings of every program's errors, by the stable codes of what it is built on. */
export const commonMeanings = {
  engineLocked: 'directoryInUse',
  engineCorrupted: 'damagedData',
  schedulerDataCorrupted: 'damagedData',
  formatVersionMismatch: 'otherVersion',
  addressInUse: 'portInUse',
  addressNotAvailable: 'portInUse',
  permissionDenied: 'portInUse',
} as const;

/**
 * What an error means to a program, by the stable codes along its causes: the one nearest the root decides, because what
 * wraps it knows less. An error without any is `internal`.
 */
export function meaningOf<Code extends string>(
  cause: unknown,
  meanings: Readonly<Record<string, Code>>,
): Code | 'internal' {
  let code: Code | 'internal' = 'internal';
  for (let error = cause; error instanceof Error; error = error.cause) {
    code = meanings[(error as { readonly code?: string }).code ?? ''] ?? code;
  }
  return code;
}

/** What an error says, and whatever else was thrown, in words. */
export function reasonOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
