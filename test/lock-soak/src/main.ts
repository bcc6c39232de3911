import { randomInt } from 'node:crypto';
import { parseArgs } from 'node:util';
import { createSystemRuntime, silentLogger } from '@flotilla/runtime';
import { runLockSoak } from './lock-soak.ts';

const usage = `usage: npm run soak:locks -- [option ...]

Lets processes contend for one lock that guards a file, pauses and kills whoever holds it, and judges every write. The last line
is "N passed, M failed".

  --seconds S      how long, 1 to 86400 (300)
  --store WHAT     etcd, which has to be installed, or cluster: a scheduler and three storage nodes (etcd)
  --locks WHOSE    flotilla, or etcd3 for the locks that npm's client of etcd brings, for comparison (flotilla)
  --ttl-ms MS      of the lock, 2000 to 60000 (3000)
  --processes N    how many contend, 3 to 50 (5)
  --seed S         draws the faults (a new one, which is printed)
  --help           this
`;

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '300' },
    store: { type: 'string', default: 'etcd' },
    locks: { type: 'string', default: 'flotilla' },
    'ttl-ms': { type: 'string', default: '3000' },
    processes: { type: 'string', default: '5' },
    seed: { type: 'string', default: String(randomInt(2 ** 31)) },
    help: { type: 'boolean', default: false },
  },
});

function numberOf(name: 'seconds' | 'ttl-ms' | 'processes' | 'seed', least: number, most: number): number {
  const number = Number(values[name]);
  if (Number.isSafeInteger(number) && number >= least && number <= most) return number;
  process.stderr.write(`--${name}: must be a whole number from ${least} to ${most}\n`);
  return process.exit(64);
}

function choiceOf<Choice extends string>(name: 'store' | 'locks', ...choices: readonly Choice[]): Choice {
  const choice = choices.find((each) => each === values[name]);
  if (choice !== undefined) return choice;
  process.stderr.write(`--${name}: must be ${choices.join(' or ')}\n`);
  return process.exit(64);
}

if (values.help) {
  process.stdout.write(usage);
  process.exit(0);
}
const stopping = new AbortController();
process.once('SIGINT', () => stopping.abort());
process.once('SIGTERM', () => stopping.abort());
const seed = numberOf('seed', 0, 2 ** 31);
const options = {
  seconds: numberOf('seconds', 1, 86_400),
  ttlMs: numberOf('ttl-ms', 2000, 60_000),
  processes: numberOf('processes', 3, 50),
  store: choiceOf('store', 'etcd', 'cluster'),
  kind: choiceOf('locks', 'flotilla', 'etcd3'),
  runtime: createSystemRuntime({ logger: silentLogger, seed }),
  signal: stopping.signal,
};
process.stdout.write(`locks of ${options.kind} over ${options.store}, ${options.seconds} s, seed ${seed}\n`);
const { complaints, counts } = await runLockSoak(options);
for (const [what, count] of Object.entries(counts)) process.stdout.write(`  ${what.padEnd(22)} ${count}\n`);
for (const complaint of complaints) process.stdout.write(`not ok ${complaint}\n`);
process.stdout.write(complaints.length === 0 ? '1 passed, 0 failed\n' : '0 passed, 1 failed\n');
process.exitCode = complaints.length === 0 ? 0 : 1;
