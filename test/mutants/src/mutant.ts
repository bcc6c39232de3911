/** A place in a built module that a mutant changes. */
export interface Edit {
  /** Package and module below its `dist`, such as `raft/node/election`. */
  readonly module: string;
  /** Text that the module holds exactly once. */
  readonly find: string;
  readonly replace: string;
}

/** A planted bug: text in the built modules that is replaced as they are loaded. */
export interface Mutant {
  readonly id: string;
  /** What the bug is, in one line. */
  readonly description: string;
  /** The profile of the simulation whose seeds are tried. */
  readonly profile: string;
  readonly edits: readonly Edit[];
}

/** A mutant that does not fit the code it is meant for; the code has changed, and the mutant has to follow. */
export class MutantError extends Error {
  override readonly name = 'MutantError';
  readonly code = 'mutantMismatch';
}

/**
 * The text of a module with one edit made.
 *
 * @throws {MutantError} unless the edit fits in exactly one place.
 */
export function edited(text: string, { module, find, replace }: Edit): string {
  const at = text.indexOf(find);
  if (at < 0) throw new MutantError(`${module} does not hold ${JSON.stringify(find)}`);
  if (text.indexOf(find, at + 1) >= 0) throw new MutantError(`${module} holds ${JSON.stringify(find)} more than once`);
  return text.slice(0, at) + replace + text.slice(at + find.length);
}
