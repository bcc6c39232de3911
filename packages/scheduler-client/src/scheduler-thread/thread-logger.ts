import type { LogFields, Logger, LogLevel } from '@flotilla/runtime';
import type { FromSchedulerThread, PlainLogFields } from './message.ts';

const levels: readonly LogLevel[] = ['trace', 'debug', 'info', 'warn', 'error', 'fatal'];

/** The lowest level whose lines a logger writes. */
export function lowestLevel(logger: Logger): LogLevel {
  return levels.find((level) => logger.isEnabled(level)) ?? 'fatal';
}

/** A logger whose lines are written by whoever owns the thread. */
export function createThreadLogger(
  lowest: LogLevel,
  post: (message: FromSchedulerThread) => void,
  own: LogFields = {},
): Logger {
  const isEnabled = (level: LogLevel): boolean => levels.indexOf(level) >= levels.indexOf(lowest);
  const write = (level: LogLevel) => (message: string, fields?: LogFields) => {
    if (isEnabled(level)) post({ type: 'log', level, message, fields: toPlainFields({ ...own, ...fields }) });
  };
  return {
    trace: write('trace'),
    debug: write('debug'),
    info: write('info'),
    warn: write('warn'),
    error: write('error'),
    fatal: write('fatal'),
    child: (fields) => createThreadLogger(lowest, post, { ...own, ...fields }),
    isEnabled,
  };
}

function toPlainFields(fields: LogFields): PlainLogFields {
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) => {
      const isPlain = typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean';
      return [name, isPlain ? value : String(value)];
    }),
  );
}
