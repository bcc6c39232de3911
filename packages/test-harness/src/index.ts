export { checkRegister, type RegisterCheckOptions } from './checkers/check-register.ts';
export { describeVerdict, isPassed, type Verdict, type Violation } from './checkers/verdict.ts';
export { HistoryError, type HistoryErrorCode } from './history/history-error.ts';
export type { HistoryEvent } from './history/history-event.ts';
export { formatHistory, parseHistory } from './history/history-ndjson.ts';
export { HistoryRecorder, type OpenOperation } from './history/history-recorder.ts';
export { describeOperation, type Json, type Operation, type OperationOutcome } from './history/operation.ts';
export { pairEvents } from './history/pair-events.ts';
