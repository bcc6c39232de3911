import type { Json, Operation } from '../../src/index.ts';

/** Tries every order of every choice of unknown operations: slow, and plainly right. For up to eight operations. */
export function isLinearizableByForce(operations: readonly Operation[]): boolean {
  const relevant = operations.filter(({ outcome, op }) => outcome === 'ok' || (outcome === 'info' && op !== 'get'));
  return canFinish(relevant, null);
}

function canFinish(left: readonly Operation[], state: Json): boolean {
  if (left.every(({ outcome }) => outcome === 'info')) return true;
  return left.some((next) => {
    if (left.some((other) => other.returnOrder < next.invokeOrder)) return false;
    const after = stateAfter(next, state);
    return (
      after !== undefined &&
      canFinish(
        left.filter((other) => other !== next),
        after,
      )
    );
  });
}

function stateAfter({ op, input, output }: Operation, state: Json): Json | undefined {
  if (op === 'get') return state === output ? state : undefined;
  if (op === 'put') return input;
  if (op === 'delete') return null;
  const [expected, replacement] = input as readonly [Json, Json];
  if (output === false) return state === expected ? undefined : state;
  return state === expected ? replacement : undefined;
}
