import { randomInt } from 'node:crypto';
import { setMaxListeners } from 'node:events';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { createSystemRuntime, silentLogger } from '@flotilla/runtime';
import { pairEvents, parseHistory } from '@flotilla/test-harness';
import { ChaosRun } from './chaos-run.ts';
import { reportRun } from './judge/report.ts';
import { type ChaosOptions, parseOptions, usage } from './options.ts';
import { findIsolation, isInside, runInside } from './world/isolation.ts';
import { World } from './world/world.ts';

// This process runs everything, or, where the machine lets it, another of this program that is isolated from the machine.

// Nobody has to read what is said: the verdict is the exit code too.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
});

const say = (line: string): void => {
  process.stdout.write(`${line}\n`);
};

const parsed = parseOptions(process.argv.slice(2), {
  seed: randomInt(2 ** 32),
  historyPathOf: (seed) => join(tmpdir(), `flotilla-chaos-${seed}.ndjson`),
});
switch (parsed.type) {
  case 'help':
    process.stdout.write(usage);
    break;
  case 'invalid':
    for (const complaint of parsed.complaints) process.stderr.write(`chaos: ${complaint}\n`);
    process.stderr.write('(--help lists the options)\n');
    process.exitCode = 64;
    break;
  case 'run':
    await start(parsed.options);
}

async function start(options: ChaosOptions): Promise<void> {
  if (isInside()) return runHere(options, undefined);
  const isolation = findIsolation();
  if ('problem' in isolation) return runHere(options, isolation.problem);
  const child = runInside(isolation.launcher);
  // A terminal tells the process inside itself; a signal to this one alone has to be passed on.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => child.send('stop', () => {}));
  process.exitCode = await new Promise<number>((done) => {
    child.once('error', () => done(70));
    child.once('close', (code) => done(code ?? 70));
  });
}

async function runHere(options: ChaosOptions, isolationProblem: string | undefined): Promise<void> {
  const stopping = new AbortController();
  setMaxListeners(0, stopping.signal);
  const stop = (): void => stopping.abort(new Error('it was ended before it had begun'));
  let forcedAfterMs = Number.POSITIVE_INFINITY;
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      if (performance.now() > forcedAfterMs) process.exit(130);
      forcedAfterMs = Math.min(forcedAfterMs, performance.now() + 1_000);
      stop();
    });
  }
  process.on('message', stop);
  // Whoever was to hear the verdict is gone.
  process.on('disconnect', () => process.exit(130));
  const world = new World(options.nodes, isolationProblem);
  let isKept = true;
  try {
    const historyPath = resolve(options.historyPath);
    mkdirSync(dirname(historyPath), { recursive: true });
    say(`seed ${options.seed}: the same plan again with --seed ${options.seed} --nodes ${options.nodes}`);
    for (const notice of world.notices) say(`note: ${notice}`);
    const runtime = createSystemRuntime({ logger: silentLogger, seed: options.seed });
    const record = await new ChaosRun({ ...options, historyPath }, runtime, world, stopping.signal, say).run();
    const report = reportRun(record, pairEvents(parseHistory(readFileSync(historyPath, 'utf8'))));
    isKept = options.isKept || report.failed > 0;
    if (isKept) await world.keep();
    for (const line of report.lines) say(line);
    summarize(options.summaryPath, report);
    process.exitCode = report.failed === 0 ? 0 : 1;
  } catch (error) {
    isKept = options.isKept || !stopping.signal.aborted;
    say(`the run failed: ${error instanceof Error ? error.stack : String(error)}`);
    say('0 passed, 1 failed');
    summarize(options.summaryPath, { passed: 0, failed: 1 });
    process.exitCode = 70;
  } finally {
    world.close(isKept);
    if (isKept) process.stderr.write(`logs and data are kept in ${world.directory}\n`);
    // The channel to the process outside would keep this one alive.
    process.exit();
  }
}

function summarize(
  path: string | undefined,
  { passed, failed }: { readonly passed: number; readonly failed: number },
): void {
  if (path === undefined) return;
  mkdirSync(dirname(resolve(path)), { recursive: true });
  writeFileSync(path, `${JSON.stringify({ passed, failed })}\n`);
}
