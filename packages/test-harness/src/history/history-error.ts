/** What is wrong with a history as such; it says nothing about the system that was observed. */
export type HistoryErrorCode = 'malformedLine' | 'malformedHistory' | 'malformedOperation';

/** A history that cannot be judged because it is not well-formed. */
export class HistoryError extends Error {
  readonly code: HistoryErrorCode;
  /** Number, from 1, of the line or event at fault. */
  readonly line: number;

  constructor(code: HistoryErrorCode, message: string, line: number, cause?: unknown) {
    super(`line ${line}: ${message}`, cause === undefined ? undefined : { cause });
    this.name = 'HistoryError';
    this.code = code;
    this.line = line;
  }
}
