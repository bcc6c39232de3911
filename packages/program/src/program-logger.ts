import { createPinoLogger, type LogDestination, type Logger, type LogLevel } from '@flotilla/runtime';

/** How a program logs, as its options say. */
export interface LogOptions {
  readonly logLevel: LogLevel;
  readonly logFormat: 'auto' | 'pretty' | 'json';
}

/** Where the log goes. */
export interface LogOutput {
  /** Whether people watch it. */
  readonly isTerminal: boolean;
  /** Colours in pretty lines. */
  readonly showsColour: boolean;
  /** By default the standard output. */
  readonly destination?: LogDestination | undefined;
}

/** Whether log lines are for people: when asked for, and by default on a terminal. */
export function isPrettyLog({ logFormat }: Pick<LogOptions, 'logFormat'>, isTerminal: boolean): boolean {
  return logFormat === 'pretty' || (logFormat === 'auto' && isTerminal);
}

/** Whether output has colours: on a terminal that knows them, or where they are asked for; never against `NO_COLOR`. */
export function showsColour(isTerminal: boolean, environment: Readonly<Record<string, string | undefined>>): boolean {
  if ((environment['NO_COLOR'] ?? '') !== '') return false;
  return isTerminal ? environment['TERM'] !== 'dumb' : environment['FORCE_COLOR'] === '1';
}

/** The logger of a program. */
export function createProgramLogger(options: LogOptions, output: LogOutput): Logger {
  const { isTerminal, showsColour, destination } = output;
  return createPinoLogger({
    level: options.logLevel,
    pretty: isPrettyLog(options, isTerminal),
    color: showsColour,
    ...(destination === undefined ? {} : { destination }),
  });
}
