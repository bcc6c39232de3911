import { type ChildProcess, spawn } from 'node:child_process';
import { constants } from 'node:os';
import type { Timers } from '@flotilla/runtime';
import { CommandError } from '../command-context.ts';
import { exitCode } from '../exit-code.ts';

/** A command that may run only while something is held. */
export interface GuardedCommand {
  readonly command: string;
  readonly args: readonly string[];
  /** Added to the environment of this process. */
  readonly environment: Readonly<Record<string, string>>;
  /** Aborts when it may run no longer. */
  readonly lost: AbortSignal;
  /** Whether it may still run, by the clock: right even before `lost` could abort, as after a stop. */
  readonly isHeld: () => boolean;
  /** How long it may take to end once it was asked to. */
  readonly killAfterMs: number;
  readonly timers: Timers;
  /** Hands the signals of this process to the given function until the returned one is called. */
  readonly takeSignals: (handler: (signal: NodeJS.Signals) => void) => () => void;
}

/** How often it is looked whether processes that were asked to end have done so. */
const endPollMs = 20;

/**
 * Runs the command to its exit code: its own, 128 and the number of the signal that ended it, or `lockLost`.
 *
 * It runs in a process group of its own, so that all of its processes can be ended together; signals of this process are passed
 * on to all of them. A stop (Ctrl-Z) stops the command first: nothing of it may go on while nothing is renewed.
 *
 * @throws {CommandError} with exit code 126 or 127 when it cannot be started.
 */
export async function runGuarded(guarded: GuardedCommand): Promise<number> {
  const early: NodeJS.Signals[] = [];
  let take = (signal: NodeJS.Signals): void => void early.push(signal);
  const release = guarded.takeSignals((signal) => take(signal));
  try {
    const child = await start(guarded);
    const group = -(child.pid as number);
    take = (signal) => passOn(signal, group, guarded.isHeld);
    for (const signal of early) take(signal);
    return await outcomeOf(child, group, guarded);
  } finally {
    release();
  }
}

async function outcomeOf(child: ChildProcess, group: number, guarded: GuardedCommand): Promise<number> {
  const { lost } = guarded;
  let ending: Promise<void> | undefined;
  const onLost = (): void => {
    ending = endGroup(group, guarded);
  };
  lost.addEventListener('abort', onLost, { once: true });
  if (lost.aborted) onLost();
  const code = await new Promise<number>((resolve) => {
    child.once('exit', (status, signal) => resolve(status ?? 128 + (signal === null ? 0 : constants.signals[signal])));
  });
  lost.removeEventListener('abort', onLost);
  if (ending === undefined) return code;
  await ending;
  return exitCode.lockLost;
}

function start({ command, args, environment }: GuardedCommand): Promise<ChildProcess> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, [...args], {
      detached: true,
      stdio: 'inherit',
      env: { ...process.env, ...environment },
    });
    child.once('spawn', () => resolve(child));
    child.once('error', (cause: NodeJS.ErrnoException) => {
      const isMissing = cause.code === 'ENOENT';
      const code = isMissing ? exitCode.commandNotFound : exitCode.commandNotRunnable;
      reject(new CommandError(`cannot run ${command}: ${isMissing ? 'not found' : cause.message}`, code, { cause }));
    });
  });
}

function passOn(signal: NodeJS.Signals, group: number, isHeld: () => boolean): void {
  if (signal === 'SIGTSTP') {
    // A group whose parent is in another session does not stop by SIGTSTP.
    send(group, 'SIGSTOP');
    process.kill(process.pid, 'SIGSTOP');
  } else if (signal !== 'SIGCONT' || isHeld()) send(group, signal);
}

/** Asks all processes of the group to end, and ends those that have not in time. */
async function endGroup(group: number, { timers, killAfterMs }: GuardedCommand): Promise<void> {
  send(group, 'SIGTERM');
  // One that was stopped hears it only when it goes on.
  send(group, 'SIGCONT');
  for (let waitedMs = 0; waitedMs < killAfterMs; waitedMs += endPollMs) {
    if (!send(group, 0)) return;
    await timers.sleep(Math.min(endPollMs, killAfterMs - waitedMs));
  }
  send(group, 'SIGKILL');
}

/** Whether there was anybody to send it to. */
function send(group: number, signal: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(group, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
    throw error;
  }
}
