import { CommanderError } from 'commander';
import { CommandError } from './command-context.ts';
import { type ExitCode, exitCode } from './exit-code.ts';
import type { FailureKind } from './load/record-writer.ts';
import { OutputClosedError, OutputFailedError } from './terminal.ts';

/** What a user is told about a failure, and what a script gets. */
export interface FailureReport {
  /** One line, without "error:". */
  readonly message: string;
  readonly exitCode: ExitCode;
  /** What to try, where there is something. */
  readonly hint?: string | undefined;
}

/** Codes of the client's and the scheduler client's errors. */
const exitCodeOfCode = new Map<string, ExitCode>([
  ['invalidArgument', exitCode.badData],
  ['impossible', exitCode.notDone],
  ['regionNotFound', exitCode.notDone],
  ['outcomeUnknown', exitCode.outcomeUnknown],
  ['cancelled', exitCode.interrupted],
  ['deadlineExceeded', exitCode.unavailable],
  ['regionError', exitCode.unavailable],
  ['unavailable', exitCode.unavailable],
  ['notBootstrapped', exitCode.unavailable],
  ['validation', exitCode.badData],
  ['conflict', exitCode.notDone],
  ['connection', exitCode.unavailable],
  ['timeout', exitCode.unavailable],
  ['sessionLost', exitCode.lockLost],
]);

const hintOfExitCode = new Map<ExitCode, string>([
  [exitCode.unavailable, '`flotilla status` shows which stores answer'],
  [exitCode.outcomeUnknown, 'the write may or may not have taken effect: read the key before trying again'],
]);

/** Turns whatever a command failed with into a message and an exit code. */
export function describeFailure(error: unknown): FailureReport {
  if (error instanceof CommandError) return { message: error.message, exitCode: error.exitCode, hint: error.hint };
  if (error instanceof CommanderError) return { message: error.message, exitCode: exitCode.usage };
  if (error instanceof OutputClosedError) return { message: error.message, exitCode: exitCode.ok };
  if (error instanceof OutputFailedError) return { message: error.message, exitCode: exitCode.outputFailed };
  if (!(error instanceof Error)) return { message: String(error), exitCode: exitCode.internal };
  const code = exitCodeOfCode.get(codeOf(error) ?? '');
  if (code === undefined) return { message: withCauses(error), exitCode: exitCode.internal };
  return { message: withCauses(error), exitCode: code, hint: hintOfExitCode.get(code) };
}

/** Whether a put that failed is worth repeating. Only what the cluster refuses for good is not. */
export function classifyPutFailure(error: unknown): FailureKind {
  const code = error instanceof Error ? codeOf(error) : undefined;
  const isFinal = code === 'invalidArgument' || code === 'rejected';
  return isFinal ? { type: 'refused', reason: describeFailure(error).message } : { type: 'retry' };
}

/** What happened, and because of what, in one line; a cause that says the same again is left out. */
function withCauses(error: Error): string {
  let message = error.message;
  for (let { cause } = error; cause instanceof Error; cause = cause.cause) {
    // grpc-js puts the number and the name of the status before what a server said.
    const said = cause.message.replace(/^\d+ [A-Z_]+: /, '');
    if (!message.includes(said)) message += `: ${said}`;
  }
  return message;
}

function codeOf(error: Error): string | undefined {
  const code = (error as { readonly code?: unknown }).code;
  return typeof code === 'string' ? code : undefined;
}
