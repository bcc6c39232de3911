import fc from 'fast-check';
import type { Json, Operation } from '../../src/index.ts';
import { append, failed, ok, read, unknown } from './call.ts';

interface Draw {
  readonly isRead: boolean;
  readonly gap: number;
  readonly delay: number;
  readonly linger: number;
  readonly fate: 'ok' | 'fail' | 'info took effect' | 'info lost';
}

const draw = fc.record<Draw>({
  isRead: fc.boolean(),
  gap: fc.nat(6),
  delay: fc.nat(12),
  linger: fc.nat(12),
  fate: fc.constantFrom('ok', 'ok', 'ok', 'ok', 'fail', 'info took effect', 'info lost'),
});

/** Appends and reads of one real list; each takes effect at one moment between its call and its return. */
export function listExecutions(maxLength: number): fc.Arbitrary<Operation[]> {
  return fc.array(draw, { maxLength, size: 'max' }).map(execute);
}

function execute(draws: readonly Draw[]): Operation[] {
  let begin = 0;
  const moments = draws.flatMap(({ gap, delay, linger }, index) => {
    begin += gap;
    return [
      { at: begin, index, type: 'invoke' as const },
      { at: begin + delay, index, type: 'effect' as const },
      { at: begin + delay + linger, index, type: 'return' as const },
    ];
  });
  moments.sort((a, b) => a.at - b.at);
  const list: number[] = [];
  const begins = new Map<number, number>();
  const answers = new Map<number, readonly Json[]>();
  const operations: Operation[] = [];
  for (const [order, { index, type }] of moments.entries()) {
    const { isRead, fate } = draws[index] as Draw;
    const from = begins.get(index) ?? 0;
    const call = isRead ? read(...(answers.get(index) ?? [])) : append(index);
    if (type === 'invoke') begins.set(index, order);
    else if (type === 'effect') {
      if (isRead) answers.set(index, [...list]);
      else if (fate === 'ok' || fate === 'info took effect') list.push(index);
    } else if (fate === 'ok') operations.push(ok(from, order, call));
    else operations.push(fate === 'fail' ? failed(from, order, call) : unknown(from, call));
  }
  return operations.sort((a, b) => a.invokeOrder - b.invokeOrder);
}

/** Changes one operation: what a read shows, whether a write failed, or when it began. */
export function mutateGrowth(operations: readonly Operation[], at: number, how: number, where: number): Operation[] {
  return operations.map((operation, index) => {
    if (index !== at % operations.length || operation.outcome !== 'ok') return operation;
    if (how === 0) return { ...operation, invokeOrder: operation.returnOrder - 0.5 };
    if (operation.op !== 'read') return { ...operation, outcome: 'fail' };
    const list = [...(operation.output as readonly Json[])];
    const place = where % (list.length + 1);
    if (how === 1) list.splice(place, 1);
    else if (how === 2) list.splice(place, 0, where % operations.length);
    else list.reverse();
    return { ...operation, output: list };
  });
}
