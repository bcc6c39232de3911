/** Levels in rising order of gravity. */
export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal';

/** Structured fields of a log line. Keys and values of users never appear at `info` or above. */
export type LogFields = Readonly<Record<string, unknown>>;

/** Writes structured log lines. An error is logged once, by whoever handles it. */
export interface Logger {
  trace(message: string, fields?: LogFields): void;
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
  fatal(message: string, fields?: LogFields): void;
  /** A logger that adds `fields` to each line. */
  child(fields: LogFields): Logger;
  /** Whether a line of `level` would be written; lets hot paths skip building its fields. */
  isEnabled(level: LogLevel): boolean;
}
