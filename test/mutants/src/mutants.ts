import type { Mutant } from './mutant.ts';
import { applyMutants } from './mutants/apply-mutants.ts';
import { electionMutants } from './mutants/election-mutants.ts';
import { logMutants } from './mutants/log-mutants.ts';
import { readMutants } from './mutants/read-mutants.ts';
import { regionMutants } from './mutants/region-mutants.ts';

/** Every planted bug that has to be caught. */
export const mutants: readonly Mutant[] = [
  ...electionMutants,
  ...logMutants,
  ...readMutants,
  ...applyMutants,
  ...regionMutants,
];

/** @throws {RangeError} when there is no mutant `id`. */
export function findMutant(id: string): Mutant {
  const found = mutants.find((mutant) => mutant.id === id);
  if (found === undefined) throw new RangeError(`there is no mutant ${id}`);
  return found;
}
