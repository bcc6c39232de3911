import type { Json, Operation } from '../../src/index.ts';

/** What an operation makes of a state, or undefined when it cannot have answered so there. */
export type Model = (operation: Operation, state: Json) => Json | undefined;

/** Tries every order of every choice of unknown operations: slow, and plainly right. For up to eight operations. */
export function hasOrder(operations: readonly Operation[], model: Model, initial: Json): boolean {
  return canFinish(
    operations.filter(({ outcome }) => outcome !== 'fail'),
    model,
    initial,
  );
}

function canFinish(left: readonly Operation[], model: Model, state: Json): boolean {
  if (left.every(({ outcome }) => outcome === 'info')) return true;
  return left.some((next) => {
    if (left.some((other) => other.returnOrder < next.invokeOrder)) return false;
    const after = model(next, state);
    if (after === undefined) return false;
    return canFinish(
      left.filter((other) => other !== next),
      model,
      after,
    );
  });
}

/** A register: get, put, delete, cas. */
export const registerModel: Model = ({ op, input, output, outcome }, state) => {
  if (op === 'get') return outcome === 'info' || state === output ? state : undefined;
  if (op === 'put') return input;
  if (op === 'delete') return null;
  const [expected, replacement] = input as readonly [Json, Json];
  if (output === false) return state === expected ? undefined : state;
  return state === expected ? replacement : undefined;
};

/** A list: append, read. */
export const listModel: Model = ({ op, input, output, outcome }, state) => {
  const list = state as readonly Json[];
  if (op === 'append') return [...list, input];
  return outcome === 'info' || JSON.stringify(list) === JSON.stringify(output) ? list : undefined;
};

/** A set: add, read; answers come in any order. */
export const setModel: Model = ({ op, input, output, outcome }, state) => {
  const set = state as readonly Json[];
  if (op === 'add') return [...set, input];
  const isSame = JSON.stringify([...set].sort()) === JSON.stringify([...((output ?? []) as Json[])].sort());
  return outcome === 'info' || isSame ? set : undefined;
};
