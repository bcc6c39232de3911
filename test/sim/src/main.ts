import { parseSimOptions, type SimOptions, SimOptionsError, usage } from './options.ts';
import { describePlan, drawPlan } from './plan.ts';
import { playSeeds } from './seed-pool.ts';
import { type SimulationOutcome, simulate } from './simulation.ts';

/** Runs the seeds; answers whether all passed. */
async function runSeeds(options: SimOptions): Promise<boolean> {
  const { seeds, profile } = options;
  const startedAt = performance.now();
  let virtualMs = 0;
  let operations = 0;
  let played = 0;
  const failed: number[] = [];
  await playSeeds(options, (outcome) => {
    virtualMs += outcome.virtualMs;
    operations += outcome.operations;
    played += 1;
    if (outcome.failure !== undefined) {
      failed.push(outcome.seed);
      printFailure(outcome, profile);
    }
    if (played % 25 === 0)
      print(`${played} of ${seeds} seeds, ${failed.length} failed, ${speed(virtualMs, startedAt)}`);
  });
  print(`${operations} operations, ${speed(virtualMs, startedAt)}`);
  if (failed.length > 1) print(`failed: ${failed.sort((a, b) => a - b).join(', ')}`);
  print(`${seeds - failed.length} passed, ${failed.length} failed`);
  return failed.length === 0;
}

function printFailure({ seed, failure, traceHash }: SimulationOutcome, profile: string): void {
  if (failure === undefined) return;
  print(`seed ${seed} failed: ${describePlan(drawPlan(seed, profile))}`);
  for (const line of failure.tail) print(`  ${line}`);
  print(failure.message);
  print(`trace hash ${traceHash}; replay with: npm run sim -- --seed ${seed} --profile ${profile}`);
}

function speed(virtualMs: number, startedAt: number): string {
  const wallMs = performance.now() - startedAt;
  const seconds = Math.round(virtualMs / 1_000);
  return `${seconds} simulated seconds in ${(wallMs / 1_000).toFixed(1)} s: ${Math.round(virtualMs / wallMs)} × real time`;
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

try {
  const options = parseSimOptions(process.argv.slice(2));
  if (options.printsTraceHash) {
    const outcome = await simulate(drawPlan(options.from, options.profile));
    print(outcome.traceHash);
    if (outcome.failure !== undefined) printFailure(outcome, options.profile);
    process.exitCode = outcome.failure === undefined ? 0 : 1;
  } else {
    process.exitCode = (await runSeeds(options)) ? 0 : 1;
  }
} catch (error) {
  if (!(error instanceof SimOptionsError)) throw error;
  process.stderr.write(`${error.message}\n${usage}\n`);
  process.exitCode = 64;
}
