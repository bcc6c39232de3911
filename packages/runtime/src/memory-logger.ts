import type { LogFields, Logger, LogLevel } from './logger.ts';

/** One line that a memory logger collected. */
export interface LogLine {
  readonly level: LogLevel;
  readonly message: string;
  /** The fields of the logger and of the call, the call's winning. */
  readonly fields: LogFields;
}

/** A logger that keeps its lines for tests to read. */
export interface MemoryLogger extends Logger {
  /** All lines so far, those of children included, oldest first. */
  readonly lines: readonly LogLine[];
  /** The messages of the lines of `level`, oldest first. */
  messages(level: LogLevel): string[];
  /** Forgets all lines. */
  clear(): void;
}

/** A logger for tests: collects every line of every level, those of its children included. */
export function createMemoryLogger(): MemoryLogger {
  const lines: LogLine[] = [];
  return {
    ...createCollector(lines, {}),
    lines,
    messages: (level) => lines.filter((line) => line.level === level).map((line) => line.message),
    clear: () => {
      lines.length = 0;
    },
  };
}

function createCollector(lines: LogLine[], own: LogFields): Logger {
  const collect = (level: LogLevel) => (message: string, fields?: LogFields) => {
    lines.push({ level, message, fields: { ...own, ...fields } });
  };
  return {
    trace: collect('trace'),
    debug: collect('debug'),
    info: collect('info'),
    warn: collect('warn'),
    error: collect('error'),
    fatal: collect('fatal'),
    child: (fields) => createCollector(lines, { ...own, ...fields }),
    isEnabled: () => true,
  };
}
