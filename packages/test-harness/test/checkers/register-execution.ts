import fc from 'fast-check';
import type { Json, Operation } from '../../src/index.ts';
import { cas, failed, get, ok, put, remove, unknown } from './call.ts';

/** One drawn call: what it does, how long it takes, and what its caller learns. */
interface Draw {
  readonly kind: 'get' | 'put' | 'delete' | 'cas';
  readonly value: string;
  readonly expected: string;
  readonly key: string;
  readonly gap: number;
  readonly delay: number;
  readonly linger: number;
  readonly fate: 'ok' | 'fail' | 'info took effect' | 'info lost';
}

function draws(
  maxLength: number,
  keys: readonly string[],
  gap: number,
  value: fc.Arbitrary<string>,
): fc.Arbitrary<readonly Draw[]> {
  return fc.array(
    fc.record<Draw>({
      kind: fc.constantFrom('get', 'get', 'put', 'put', 'delete', 'cas'),
      value,
      expected: value,
      key: fc.constantFrom(...keys),
      gap: fc.nat(gap),
      delay: fc.nat(12),
      linger: fc.nat(12),
      fate: fc.constantFrom('ok', 'ok', 'ok', 'ok', 'fail', 'info took effect', 'info lost'),
    }),
    { maxLength, size: 'max' },
  );
}

/** Runs the draws on real registers: each takes effect at one moment between its call and its return. */
function execute(calls: readonly Draw[]): Operation[] {
  const registers = new Map<string, Json>();
  let begin = 0;
  const moments = calls.flatMap((call, index) => {
    begin += call.gap;
    const effect = begin + call.delay;
    return [
      { at: begin, index, type: 'invoke' as const },
      { at: effect, index, type: 'effect' as const },
      { at: effect + call.linger, index, type: 'return' as const },
    ];
  });
  moments.sort((a, b) => a.at - b.at);
  const invoked = new Map<number, number>();
  const answers = new Map<number, Json>();
  const operations: Operation[] = [];
  for (const [order, { index, type }] of moments.entries()) {
    const call = calls[index] as Draw;
    if (type === 'invoke') invoked.set(index, order);
    else if (type === 'effect') answers.set(index, takeEffect(call, registers));
    else operations.push(conclude(call, invoked.get(index) ?? 0, order, answers.get(index) ?? null));
  }
  return operations.sort((a, b) => a.invokeOrder - b.invokeOrder);
}

function takeEffect({ kind, key, value, expected, fate }: Draw, registers: Map<string, Json>): Json {
  const state = registers.get(key) ?? null;
  if (kind === 'get') return state;
  if (fate === 'fail' || fate === 'info lost') return null;
  if (kind === 'put') registers.set(key, value);
  if (kind === 'delete') registers.delete(key);
  if (kind !== 'cas') return null;
  if (state === expected) registers.set(key, value);
  return state === expected;
}

function conclude({ kind, key, value, expected, fate }: Draw, from: number, to: number, answer: Json): Operation {
  const call = { ...callOf(kind, value, expected, answer), key };
  if (fate === 'ok') return ok(from, to, call);
  return fate === 'fail' ? failed(from, to, call) : unknown(from, call);
}

function callOf(kind: Draw['kind'], value: string, expected: string, answer: Json): ReturnType<typeof put> {
  if (kind === 'get') return get(answer);
  if (kind === 'put') return put(value);
  return kind === 'delete' ? remove : cas(expected, value, answer === true);
}

/** Histories of an execution that is linearizable by construction; of few values, so that many orders look alike. */
export function executions(maxLength: number, keys: readonly string[] = ['x'], gap = 6): fc.Arbitrary<Operation[]> {
  return draws(maxLength, keys, gap, fc.constantFrom('a', 'b', 'c')).map(execute);
}

/** Such histories in which nearly every value is written once, as those of a test should be. */
export function distinctExecutions(maxLength: number, keys: readonly string[], gap: number): fc.Arbitrary<Operation[]> {
  return draws(maxLength, keys, gap, fc.integer({ min: 0, max: 1_000_000 }).map(String)).map(execute);
}

/** Changes one thing in a history: an answer, an outcome, or when an operation was under way. */
export function mutate(operations: readonly Operation[], at: number, how: number, other: Json): Operation[] {
  return operations.map((operation, index) => {
    if (index !== at % operations.length) return operation;
    if (how === 0 && operation.op !== 'get') return { ...operation, outcome: 'fail' };
    if (how === 1 && operation.outcome === 'ok') {
      return { ...operation, invokeOrder: operation.returnOrder - 0.5 };
    }
    if (operation.outcome !== 'ok') return operation;
    if (operation.op === 'get') return { ...operation, output: other };
    return operation.op === 'cas'
      ? { ...operation, output: operation.output !== true }
      : { ...operation, input: other };
  });
}
