import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ProcessUnderTest, pairEvents, parseHistory } from '@flotilla/test-harness';
import { expect, onTestFinished, test } from 'vitest';
import { programs } from '../src/programs.ts';

async function chaos(
  ...args: readonly string[]
): Promise<{ readonly run: ProcessUnderTest; readonly history: string }> {
  const directory = await mkdtemp(join(tmpdir(), 'flotilla-e2e-'));
  const history = join(directory, 'deeper', 'history.ndjson');
  const environment = { PATH: process.env['PATH'] ?? '', TMPDIR: directory };
  const run = new ProcessUnderTest('chaos', [programs.chaos, '--history', history, ...args], { environment });
  onTestFinished(async () => {
    await run.stop('SIGKILL');
    await rm(directory, { recursive: true, force: true });
  });
  return { run, history };
}

test('a short run ends with a verdict, its history, and a summary', async () => {
  const { run, history } = await chaos('--minutes', '0.2', '--seed', '1', '--faults', 'kill-leader,pause-node');
  const { code, output } = await run.ended;
  const text = output.toString();
  expect(text).toContain('seed 1: the same plan again with --seed 1 --nodes 3');
  expect(text).toMatch(/\n8 passed, 0 failed\n$/);
  expect(code).toBe(0);
  const [, checked = ''] = /^operations +([\d,]+) checked/m.exec(text) ?? [];
  const operations = pairEvents(parseHistory(readFileSync(history, 'utf8')));
  expect(operations).toHaveLength(Number(checked.replaceAll(',', '')));
  expect(operations.filter(({ op, outcome }) => op === 'put' && outcome === 'ok').length).toBeGreaterThan(10);
}, 180_000);

/** Processes whose command line names a path. */
function processesNaming(path: string): string[] {
  const lines = existsSync('/proc/self/cmdline')
    ? readdirSync('/proc').map(commandLineOf)
    : spawnSync('ps', ['-eo', 'args'], { encoding: 'utf8' }).stdout.split('\n');
  return lines.filter((line) => line.includes(path));
}

/** Empty for what is no process, or no longer one. */
function commandLineOf(pid: string): string {
  try {
    return /^\d+$/.test(pid) ? readFileSync(`/proc/${pid}/cmdline`, 'utf8') : '';
  } catch {
    return '';
  }
}

test('Ctrl-C ends everything, with the verdict so far', async () => {
  const { run } = await chaos('--minutes', '5', '--faults', 'kill-node');
  await run.heard(/whole again after/);
  const [, directory = ''] = /starting 3 nodes and a scheduler in (\S+)/.exec(run.output) ?? [];
  expect(processesNaming(directory).length).toBeGreaterThanOrEqual(3);
  const { code, output } = await run.stop('SIGINT');
  const text = output.toString();
  expect(text).toMatch(/\n6 passed, 0 failed\n$/);
  expect(text).toMatch(/^ {2}kill-node /m);
  expect(code).toBe(0);
  expect(processesNaming(directory)).toEqual([]);
  expect(existsSync(directory)).toBe(false);
}, 180_000);

test('names everything that is wrong with its options, and helps', async () => {
  const { run } = await chaos('--minutes', 'soon', '--faults', 'flood');
  const { code, errors } = await run.ended;
  expect(code).toBe(64);
  expect(errors).toContain('chaos: --minutes is "soon": expected a number from 0.1 to 120\n');
  expect(errors).toContain('chaos: --faults names "flood": expected some of kill-node, kill-leader');
  const help = await (await chaos('--help')).run.ended;
  expect(help.code).toBe(0);
  expect(help.output.toString()).toContain('npm run chaos -- [option ...]');
});
