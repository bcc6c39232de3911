import type { ConfChangeKind, ConfChangeStep } from '@flotilla/raft';
import { CommandError, parseWhole } from './arguments.ts';

const kinds: ReadonlyMap<string, ConfChangeKind> = new Map([
  ['v', 'addVoter'],
  ['l', 'addLearner'],
  ['r', 'remove'],
  ['u', 'update'],
]);

/** Reads operations such as `v1 l2 r3 u4`. */
export function parseSteps(input: string): readonly ConfChangeStep[] {
  if (input === '') return [];
  return input.split(' ').map((token) => {
    if (token.length < 2) throw new CommandError(`unknown token ${token}`);
    const kind = kinds.get(token[0]!);
    if (kind === undefined) throw new CommandError(`unknown input: ${token}`);
    return { kind, nodeId: parseWhole(token.slice(1)) };
  });
}
