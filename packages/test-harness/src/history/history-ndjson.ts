import { HistoryError } from './history-error.ts';
import type { HistoryEvent } from './history-event.ts';
import type { Json } from './operation.ts';
import { misfitOf } from './pair-events.ts';

const eventTypes: readonly string[] = ['invoke', 'ok', 'fail', 'info'];
const fieldNames: readonly string[] = ['process', 'type', 'op', 'key', 'value', 'time'];

/**
 * Writes a history as NDJSON, one event a line, each line ended by a line feed:
 * `{"process":3,"type":"invoke","op":"put","key":"x","value":"1","time":1250000}`.
 */
export function formatHistory(events: readonly HistoryEvent[]): string {
  return events
    .map(({ process, type, op, key, value, time }) => `${JSON.stringify({ process, type, op, key, value, time })}\n`)
    .join('');
}

/**
 * Reads a history that {@link formatHistory} or another recorder wrote. Empty lines are skipped, and counted.
 *
 * @throws {HistoryError} `malformedLine`, with the line's number (from 1), when a line is no event or cannot follow the
 * lines before it.
 */
export function parseHistory(text: string): HistoryEvent[] {
  const events: HistoryEvent[] = [];
  const open = new Map<number, HistoryEvent>();
  let previousTime = 0;
  for (const [index, line] of text.split('\n').entries()) {
    if (line.trim() === '') continue;
    const event = parseLine(line, index + 1);
    const misfit = event.time < previousTime ? 'time goes back' : misfitOf(event, open.get(event.process));
    if (misfit !== undefined) throw new HistoryError('malformedLine', misfit, index + 1);
    previousTime = event.time;
    if (event.type === 'invoke') open.set(event.process, event);
    else open.delete(event.process);
    events.push(event);
  }
  return events;
}

function parseLine(line: string, number: number): HistoryEvent {
  let parsed: unknown;
  try {
    parsed = JSON.parse(line);
  } catch (cause) {
    throw new HistoryError('malformedLine', 'is not JSON', number, cause);
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) {
    throw new HistoryError('malformedLine', 'is not an object', number);
  }
  const record: Partial<Record<keyof HistoryEvent, unknown>> = parsed;
  const complaint = complaintAbout(record);
  if (complaint !== undefined) throw new HistoryError('malformedLine', complaint, number);
  return {
    process: record.process as number,
    type: record.type as HistoryEvent['type'],
    op: record.op as string,
    key: record.key as string,
    value: record.value as Json,
    time: record.time as number,
  };
}

function complaintAbout(record: Partial<Record<keyof HistoryEvent, unknown>>): string | undefined {
  const surplus = Object.keys(record).find((name) => !fieldNames.includes(name));
  if (surplus !== undefined) return `has an unknown field ${JSON.stringify(surplus.slice(0, 40))}`;
  if (!isCount(record.process)) return 'process must be a whole number from 0';
  if (typeof record.type !== 'string' || !eventTypes.includes(record.type)) {
    return `type must be one of ${eventTypes.join(', ')}`;
  }
  if (typeof record.op !== 'string' || record.op === '') return 'op must be a string that is not empty';
  if (typeof record.key !== 'string') return 'key must be a string';
  if (record.value === undefined) return 'value is missing; write null for none';
  return isCount(record.time) ? undefined : 'time must be a whole number of nanoseconds from 0';
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}
