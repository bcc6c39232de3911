import { CommandError } from './arguments.ts';

const levels = ['DEBUG', 'INFO', 'WARN', 'ERROR', 'FATAL', 'NONE'];

/** Whether a level silences all output; every other level prints the same, since log lines are not compared. */
export function isSilentLevel(name: string): boolean {
  const level = name.toUpperCase();
  if (!levels.includes(level)) throw new CommandError(`log levels must be either of [${levels.join(' ')}]`);
  return level === 'NONE';
}
