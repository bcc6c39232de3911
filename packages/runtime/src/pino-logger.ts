import { createRequire } from 'node:module';
import { destination as openDestination, type Logger as Pino, pino, stdSerializers } from 'pino';
import { type Clock, systemClock } from './clock.ts';
import type { LogFields, Logger, LogLevel } from './logger.ts';

/** Where log lines go: anything that takes whole lines, such as a stream. */
export interface LogDestination {
  /** Takes one line with its line end. */
  write(line: string): unknown;
}

/** How a logger over pino writes. */
export interface PinoLoggerOptions {
  /** The least grave level that is written; `silent` writes nothing. */
  readonly level: LogLevel | 'silent';
  /** Lines for people instead of one JSON object a line. */
  readonly pretty: boolean;
  /** Colours in pretty lines; by default not. */
  readonly color?: boolean;
  /** By default the standard output, written synchronously, so that no line is lost when the process ends. */
  readonly destination?: LogDestination;
  /** Fields of every line; by default none. */
  readonly base?: LogFields;
  /** Stamps the lines; by default the clock of this process. */
  readonly clock?: Clock;
}

/**
 * A logger over pino. It writes in the thread that logs, pretty or not, and so works in workers as well.
 *
 * The fields `error` and `cause` are written with type, message, code, stack and causes when they hold an Error.
 */
export function createPinoLogger(options: PinoLoggerOptions): Logger {
  const { clock = systemClock } = options;
  const lines = options.destination ?? openStandardOutput();
  const logger = pino(
    {
      level: options.level,
      base: { ...options.base },
      serializers: { error: stdSerializers.err, cause: stdSerializers.err },
      timestamp: () => `,"time":${clock.wallMs()}`,
    },
    options.pretty
      ? createPrettyDestination(lines, options.color ?? false)
      : { write: (line) => void lines.write(line) },
  );
  return wrap(logger);
}

/** A log that nobody reads any more, as when the terminal has gone, is no reason to stop. */
function openStandardOutput(): LogDestination {
  const lines = openDestination({ fd: 1, sync: true });
  lines.on('error', () => {});
  return lines;
}

/** Loaded when asked for only: each thread would pay 12 ms for it, and most log JSON or nothing. */
function loadPretty(): typeof import('pino-pretty') {
  return createRequire(import.meta.url)('pino-pretty');
}

function createPrettyDestination(lines: LogDestination, color: boolean): { write(line: string): void } {
  const { prettyFactory } = loadPretty();
  const prettify = prettyFactory({
    colorize: color,
    errorLikeObjectKeys: ['error', 'cause'],
    ignore: 'pid,hostname',
    singleLine: true,
    translateTime: 'SYS:HH:MM:ss.l',
  });
  return {
    write: (line) => {
      lines.write(prettify(line) ?? line);
    },
  };
}

function wrap(logger: Pino): Logger {
  const at = (level: LogLevel) => (message: string, fields?: LogFields) => {
    if (fields === undefined) logger[level](message);
    else logger[level](fields, message);
  };
  return {
    trace: at('trace'),
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    fatal: at('fatal'),
    child: (fields) => wrap(logger.child(fields)),
    isEnabled: (level) => logger.isLevelEnabled(level),
  };
}
