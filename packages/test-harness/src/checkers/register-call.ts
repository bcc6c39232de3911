import type { Operation } from '../history/operation.ts';
import { isObservation, moveOf, type RegisterMove, type ValueNumbers } from './register-move.ts';

/** An operation on a register that has something to say, and what it says. */
export interface RegisterCall {
  readonly operation: Operation;
  readonly move: RegisterMove;
}

/** Beginning or end of a call, in real-time order. */
export interface RegisterEvent {
  readonly order: number;
  readonly type: 'invoke' | 'return';
  readonly call: RegisterCall;
}

/** The events of one key's operations that a search has to look at, in real-time order. */
export function registerEvents(operations: readonly Operation[], values: ValueNumbers): RegisterEvent[] {
  const calls: RegisterCall[] = [];
  for (const operation of operations) {
    const move = moveOf(operation, values);
    if (move !== undefined) calls.push({ operation, move });
  }
  const events: RegisterEvent[] = [];
  for (const call of withoutUnseen(calls)) {
    events.push({ order: call.operation.invokeOrder, type: 'invoke', call });
    if (call.operation.outcome === 'ok') events.push({ order: call.operation.returnOrder, type: 'return', call });
  }
  return events.sort((a, b) => a.order - b.order);
}

/**
 * Leaves out the writes of unknown outcome whose value nobody read, nobody compared with, and whose effect no refused
 * compare-and-set can be owed to: an order with such a write stays an order without it.
 */
function withoutUnseen(calls: readonly RegisterCall[]): RegisterCall[] {
  if (calls.some(({ move }) => move.type === 'refusal')) return [...calls];
  const seen = new Set(
    calls.map(({ move }) => (move.type === 'read' ? move.value : move.type === 'swap' ? move.expected : undefined)),
  );
  return calls.filter(
    ({ operation, move }) =>
      operation.outcome === 'ok' || isObservation(move) || !('value' in move) || seen.has(move.value),
  );
}
