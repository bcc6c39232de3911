import { type HuntOptions, type HuntResult, hunt } from './hunt.ts';
import type { Mutant } from './mutant.ts';
import { type MutantsOptions, MutantsOptionsError, parseMutantsOptions, usage } from './options.ts';
import type { PlayerProcess } from './player-process.ts';

/** Seeds of one mutant between two lines of progress. */
const progressEvery = 50;

const players = new Set<PlayerProcess>();
let isInterrupted = false;

/** Hunts every mutant, as many at a time as there are processes. */
async function huntAll(options: MutantsOptions): Promise<HuntResult[]> {
  const waiting = [...options.mutants];
  const results: HuntResult[] = [];
  const huntOptions: HuntOptions = {
    from: options.from,
    seeds: options.seeds,
    onFailedControl: ({ id, profile }, seed, complaint) =>
      print(
        `     ${id}: seed ${seed} of ${profile} fails, and does not count for what it does without the bug: ${brief(complaint)}`,
      ),
    onProgress: ({ id }, seeds) => {
      if (seeds % progressEvery === 0) print(`     ${id}: not caught in ${seeds} seeds`);
    },
  };
  const work = async (): Promise<void> => {
    for (let next = waiting.shift(); next !== undefined && !isInterrupted; next = waiting.shift()) {
      const result = await hunt(next, huntOptions, (player) => players.add(player));
      results.push(result);
      printResult(result, `${results.length}/${options.mutants.length}`);
    }
  };
  await Promise.all(Array.from({ length: options.processes }, work));
  return results;
}

function printResult(result: HuntResult, count: string): void {
  const { id, profile, description } = result.mutant;
  print(`${count} ${id}: ${description}`);
  if (result.type === 'missed') {
    print(`     MISSED in ${result.seeds} seeds of ${profile}`);
    return;
  }
  const { seed, seeds, check, complaint } = result;
  print(`     caught by ${check}, seed ${seed} of ${profile}, after ${seeds} seeds: ${brief(complaint)}`);
}

function brief(complaint: string): string {
  const [line = ''] = complaint.split('\n');
  return line.length > 160 ? `${line.slice(0, 160)}…` : line;
}

function printList(mutants: readonly Mutant[]): void {
  for (const { id, profile, description } of mutants) print(`${id.padEnd(34)}${profile.padEnd(10)}${description}`);
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

function interrupt(): void {
  isInterrupted = true;
  for (const player of players) player.stop();
}

async function main(): Promise<number> {
  const options = parseMutantsOptions(process.argv.slice(2));
  if (options.lists) {
    printList(options.mutants);
    return 0;
  }
  process.once('SIGINT', interrupt);
  process.once('SIGTERM', interrupt);
  try {
    const results = await huntAll(options);
    const caught = results.filter(({ type }) => type === 'caught').length;
    print(`${caught} caught, ${results.length - caught} missed`);
    return caught === options.mutants.length ? 0 : 1;
  } catch (error) {
    interrupt();
    if (process.exitCode === undefined && isStopped(error)) return 130;
    throw error;
  }
}

function isStopped(error: unknown): boolean {
  return error instanceof Error && error.message === 'stopped';
}

try {
  process.exitCode = await main();
} catch (error) {
  if (!(error instanceof MutantsOptionsError)) throw error;
  process.stderr.write(`${error.message}\n${usage}\n`);
  process.exitCode = 64;
}
