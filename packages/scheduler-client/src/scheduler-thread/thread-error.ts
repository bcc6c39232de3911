import { SchedulerError } from '../scheduler-error.ts';
import type { PlainSchedulerError } from './message.ts';

/** Flattens whatever a call was rejected with: structured clone would lose the class and the code. */
export function flattenSchedulerError(thrown: unknown): PlainSchedulerError {
  if (thrown instanceof SchedulerError) return { code: thrown.code, message: thrown.message };
  return { code: 'unknown', message: thrown instanceof Error ? `${thrown.name}: ${thrown.message}` : String(thrown) };
}

/** The error that was flattened. */
export function reviveSchedulerError({ code, message }: PlainSchedulerError): SchedulerError {
  return new SchedulerError(code, message);
}
