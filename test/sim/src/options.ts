import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { profiles } from './plan.ts';

/** What `npm run sim` is told. */
export interface SimOptions {
  readonly from: number;
  readonly seeds: number;
  readonly profile: string;
  /** Threads that play seeds at once. */
  readonly jobs: number;
  readonly printsTraceHash: boolean;
}

/** Options that make no sense; the message says why. */
export class SimOptionsError extends Error {
  readonly code = 'invalidOptions';
}

export const usage = `usage: npm run sim -- --seeds N [--from S] [--profile NAME] [--jobs N]
       npm run sim -- --seed S [--profile NAME] [--trace-hash]
profiles: ${Object.keys(profiles).join(', ')}`;

/** @throws {SimOptionsError} with code `invalidOptions`. */
export function parseSimOptions(args: readonly string[]): SimOptions {
  const { values } = parse(args);
  const profile = values.profile ?? 'swarm';
  if (profiles[profile] === undefined) throw new SimOptionsError(`--profile: there is no ${profile}`);
  if (values.seed !== undefined) {
    if (values.seeds !== undefined || values.from !== undefined) {
      throw new SimOptionsError('--seed goes without --seeds and --from');
    }
    const printsTraceHash = values['trace-hash'] ?? false;
    return { from: wholeNumber('--seed', values.seed), seeds: 1, profile, jobs: 1, printsTraceHash };
  }
  if (values['trace-hash'] === true) throw new SimOptionsError('--trace-hash needs --seed');
  const from = wholeNumber('--from', values.from ?? '1');
  const seeds = wholeNumber('--seeds', values.seeds ?? '100');
  const jobs = Math.max(1, wholeNumber('--jobs', values.jobs ?? String(availableParallelism())));
  return { from, seeds, profile, jobs, printsTraceHash: false };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        seeds: { type: 'string' },
        from: { type: 'string' },
        seed: { type: 'string' },
        profile: { type: 'string' },
        jobs: { type: 'string' },
        'trace-hash': { type: 'boolean' },
      },
    });
  } catch (error) {
    throw new SimOptionsError((error as Error).message);
  }
}

function wholeNumber(name: string, text: string): number {
  const number = Number(text);
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(number)) {
    throw new SimOptionsError(`${name}: must be a whole number of at least 0, got ${JSON.stringify(text)}`);
  }
  return number;
}
