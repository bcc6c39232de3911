import type { Json, Operation } from '../../src/index.ts';

interface Call {
  readonly op: string;
  readonly input?: Json;
  readonly output?: Json;
  readonly key?: string;
}

function operationOf({ op, key = 'x', input = null, output = null }: Call, from: number, to: number): Operation {
  return {
    process: from,
    op,
    key,
    input,
    output,
    outcome: 'ok',
    invokeOrder: from,
    returnOrder: to,
    invokedAtNs: from,
    returnedAtNs: to,
  };
}

/** An operation that succeeded between two points of time. */
export function ok(from: number, to: number, call: Call): Operation {
  return operationOf(call, from, to);
}

/** An operation that failed. */
export function failed(from: number, to: number, call: Call): Operation {
  return { ...operationOf(call, from, to), output: null, outcome: 'fail' };
}

/** An operation of unknown outcome. */
export function unknown(from: number, call: Call): Operation {
  return { ...operationOf(call, from, Infinity), output: null, outcome: 'info' };
}

/** Calls of a register. */
export const put = (input: Json): Call => ({ op: 'put', input });
export const get = (output: Json): Call => ({ op: 'get', output });
export const remove: Call = { op: 'delete' };
export const cas = (expected: Json, replacement: Json, output = true): Call => ({
  op: 'cas',
  input: [expected, replacement],
  output,
});
/** Calls of a list. */
export const append = (input: Json): Call => ({ op: 'append', input });
export const read = (...output: readonly Json[]): Call => ({ op: 'read', output });
/** Calls of a set. */
export const add = (input: Json): Call => ({ op: 'add', input });
