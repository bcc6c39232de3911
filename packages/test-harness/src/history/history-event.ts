import type { Json, OperationOutcome } from './operation.ts';

/**
 * One line of a history: an operation's invocation, or its end. A process has one operation under way at most; after
 * `info` it may go on, while that operation stays possible.
 */
export interface HistoryEvent {
  readonly process: number;
  readonly type: 'invoke' | OperationOutcome;
  readonly op: string;
  readonly key: string;
  /** The input of an invocation, the answer of an `ok`; null where there is none. */
  readonly value: Json;
  /** Nanoseconds since the origin of the recorder's clock; a safe integer that never goes back. */
  readonly time: number;
}
