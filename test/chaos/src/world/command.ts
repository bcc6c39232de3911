import { spawnSync } from 'node:child_process';

/** A command of the system that failed. */
export class SystemCommandError extends Error {
  override readonly name = 'SystemCommandError';
}

/**
 * Runs a command of the system to its end.
 *
 * @throws {SystemCommandError} with what it said.
 */
export function runCommand(command: string, ...args: readonly string[]): void {
  const { status, error, stderr } = spawnSync(command, args, { stdio: ['ignore', 'ignore', 'pipe'], encoding: 'utf8' });
  if (status === 0) return;
  const reason = error?.message ?? (stderr.trim() || `it ended with ${status}`);
  throw new SystemCommandError(`${[command, ...args].join(' ')}: ${reason}`);
}
