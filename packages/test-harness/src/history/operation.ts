/** What JSON can carry; the values of a history are such. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json };

/**
 * How an operation ended, as far as its caller knows: `ok`, it took effect; `fail`, it never did and never will; `info`,
 * unknown: it may take effect at any time after its invocation, even after the last event of the history, or never.
 */
export type OperationOutcome = 'ok' | 'fail' | 'info';

/** One operation of one process, from its invocation to its return. */
export interface Operation {
  readonly process: number;
  /** The operation's name: `put`, `get`, `append`, … */
  readonly op: string;
  /** The key it concerns; empty where an operation concerns no single key. */
  readonly key: string;
  /** What it was called with. */
  readonly input: Json;
  /** What it answered when it was `ok`; null otherwise. */
  readonly output: Json;
  readonly outcome: OperationOutcome;
  /** Position of the invocation among the history's events: real-time order, even where the clock did not advance. */
  readonly invokeOrder: number;
  /** Position of the return; Infinity for an operation whose outcome is unknown, because it may still be under way. */
  readonly returnOrder: number;
  readonly invokedAtNs: number;
  /** Infinity for an operation whose outcome is unknown. */
  readonly returnedAtNs: number;
}

/** Says an operation in one line, for people: `process 3: put "x" "1" → ok [4, 7]`, with the orders of its two events. */
export function describeOperation(operation: Operation): string {
  const { process, op, key, input, output, outcome, invokeOrder, returnOrder } = operation;
  const called = input === null ? '' : ` ${JSON.stringify(input)}`;
  const answered = outcome === 'ok' && output !== null ? ` ${JSON.stringify(output)}` : '';
  const name = key === '' ? op : `${op} ${JSON.stringify(key)}`;
  const end = returnOrder === Infinity ? '∞' : returnOrder;
  return `process ${process}: ${name}${called} → ${outcome}${answered} [${invokeOrder}, ${end}]`;
}
