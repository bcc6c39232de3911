import { parseArgs } from 'node:util';
import type { Mutant } from './mutant.ts';
import { mutants } from './mutants.ts';

/** What `npm run mutants` is told. */
export interface MutantsOptions {
  readonly mutants: readonly Mutant[];
  readonly from: number;
  readonly seeds: number;
  readonly processes: number;
  readonly lists: boolean;
}

/** Options that make no sense; the message says why. */
export class MutantsOptionsError extends Error {
  readonly code = 'invalidOptions';
}

export const usage = `usage: npm run mutants -- [--only ID[,ID...]] [--profile NAME] [--seeds N] [--from S] [--processes N]
       npm run mutants -- --list`;

/** @throws {MutantsOptionsError} with code `invalidOptions`. */
export function parseMutantsOptions(args: readonly string[]): MutantsOptions {
  const values = parse(args);
  return {
    mutants: select(values.only?.split(',')).map((mutant) => ({
      ...mutant,
      profile: values.profile ?? mutant.profile,
    })),
    from: wholeNumber('--from', values.from ?? '1'),
    seeds: wholeNumber('--seeds', values.seeds ?? '2000'),
    processes: wholeNumber('--processes', values.processes ?? '2'),
    lists: values.list ?? false,
  };
}

function select(ids: readonly string[] | undefined): readonly Mutant[] {
  if (ids === undefined) return mutants;
  const unknown = ids.find((id) => !mutants.some((mutant) => mutant.id === id));
  if (unknown !== undefined) throw new MutantsOptionsError(`--only: there is no mutant ${JSON.stringify(unknown)}`);
  return mutants.filter(({ id }) => ids.includes(id));
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        only: { type: 'string' },
        profile: { type: 'string' },
        seeds: { type: 'string' },
        from: { type: 'string' },
        processes: { type: 'string' },
        list: { type: 'boolean' },
      },
    }).values;
  } catch (error) {
    throw new MutantsOptionsError((error as Error).message);
  }
}

function wholeNumber(name: string, text: string): number {
  const number = Number(text);
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(number) || number < 1) {
    throw new MutantsOptionsError(`${name}: must be a whole number of at least 1, got ${JSON.stringify(text)}`);
  }
  return number;
}
