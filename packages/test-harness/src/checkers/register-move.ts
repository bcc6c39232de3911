import { HistoryError } from '../history/history-error.ts';
import type { Json, Operation } from '../history/operation.ts';

/**
 * What an operation does to a register, in terms of numbered values; 0 is the absent value. A `refusal` is a
 * compare-and-set that answered false: the register did not hold `expected`.
 */
export type RegisterMove =
  | { readonly type: 'read'; readonly value: number }
  | { readonly type: 'write'; readonly value: number }
  | { readonly type: 'swap'; readonly expected: number; readonly value: number }
  | { readonly type: 'refusal'; readonly expected: number };

/** Numbers the values of one key: equal JSON, equal number. */
export class ValueNumbers {
  readonly #numbers = new Map<string, number>([['null', 0]]);
  readonly #texts: string[] = ['null'];

  numberOf(value: Json): number {
    const text = JSON.stringify(value);
    const known = this.#numbers.get(text);
    if (known !== undefined) return known;
    this.#numbers.set(text, this.#texts.length);
    return this.#texts.push(text) - 1;
  }

  textOf(number: number): string {
    return this.#texts[number] ?? 'null';
  }
}

/** The state after `move` on `state`, or undefined when the move is impossible there. */
export function applyMove(state: number, move: RegisterMove): number | undefined {
  if (move.type === 'write') return move.value;
  if (move.type === 'swap') return state === move.expected ? move.value : undefined;
  if (move.type === 'read') return state === move.value ? state : undefined;
  return state === move.expected ? undefined : state;
}

/** Whether a move leaves every state as it is. */
export function isObservation(move: RegisterMove): boolean {
  return move.type === 'read' || move.type === 'refusal';
}

/**
 * The move of an operation, or undefined when it says nothing: it failed, or it is a read without an answer.
 *
 * @throws {HistoryError} `malformedOperation` when its name or its values are none of a register's.
 */
export function moveOf(operation: Operation, values: ValueNumbers): RegisterMove | undefined {
  const { op, outcome, input, output } = operation;
  if (op === 'get') {
    if (outcome !== 'ok') return undefined;
    return { type: 'read', value: values.numberOf(output) };
  }
  if (op === 'put' || op === 'delete') {
    if (outcome === 'fail') return undefined;
    return { type: 'write', value: op === 'put' ? values.numberOf(input) : 0 };
  }
  if (op !== 'cas') return malformed(operation, 'op must be one of get, put, delete, cas');
  if (!Array.isArray(input) || input.length !== 2) return malformed(operation, 'cas takes [expected, replacement]');
  if (outcome === 'ok' && typeof output !== 'boolean') return malformed(operation, 'cas answers true or false');
  if (outcome === 'fail') return undefined;
  const expected = values.numberOf(input[0]);
  if (output === false) return { type: 'refusal', expected };
  return { type: 'swap', expected, value: values.numberOf(input[1]) };
}

function malformed(operation: Operation, message: string): never {
  throw new HistoryError('malformedOperation', message, operation.invokeOrder + 1);
}
