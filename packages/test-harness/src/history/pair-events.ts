import { HistoryError } from './history-error.ts';
import type { HistoryEvent } from './history-event.ts';
import type { Operation } from './operation.ts';

/** Why `event` cannot follow, given its process's operation under way; undefined when it can. */
export function misfitOf(event: HistoryEvent, open: HistoryEvent | undefined): string | undefined {
  if (event.type === 'invoke') {
    return open === undefined ? undefined : `process ${event.process} has an operation under way: ${open.op}`;
  }
  if (open === undefined) return `process ${event.process} has no operation under way`;
  if (open.op === event.op && open.key === event.key) return undefined;
  return `process ${event.process} ends another operation than the ${open.op} it began`;
}

/**
 * Makes operations of a history's events, in the order of invocation. An operation without an end is unknown.
 *
 * @throws {HistoryError} `malformedHistory`, with the number of the event (from 1), when an end fits no invocation, a
 * process begins a second operation, or time goes back.
 */
export function pairEvents(events: readonly HistoryEvent[]): Operation[] {
  const operations: Operation[] = [];
  const open = new Map<number, { readonly event: HistoryEvent; readonly at: number }>();
  let previousTime = -Infinity;
  for (const [order, event] of events.entries()) {
    const begun = open.get(event.process);
    const misfit = event.time < previousTime ? 'time goes back' : misfitOf(event, begun?.event);
    if (misfit !== undefined) throw new HistoryError('malformedHistory', misfit, order + 1);
    previousTime = event.time;
    if (begun === undefined) {
      open.set(event.process, { event, at: operations.length });
      operations.push(beginOperation(event, order));
      continue;
    }
    open.delete(event.process);
    const operation = operations[begun.at];
    if (operation !== undefined) operations[begun.at] = endOperation(operation, event, order);
  }
  return operations;
}

function beginOperation({ process, op, key, value, time }: HistoryEvent, order: number): Operation {
  return {
    process,
    op,
    key,
    input: value,
    output: null,
    outcome: 'info',
    invokeOrder: order,
    returnOrder: Infinity,
    invokedAtNs: time,
    returnedAtNs: Infinity,
  };
}

function endOperation(operation: Operation, event: HistoryEvent, order: number): Operation {
  if (event.type === 'invoke' || event.type === 'info') return operation;
  const output = event.type === 'ok' ? event.value : null;
  return { ...operation, outcome: event.type, output, returnOrder: order, returnedAtNs: event.time };
}
