import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findFreeBase, type ProcessEnd, ProcessUnderTest, waitUntil } from '@flotilla/test-harness';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { programs } from '../src/programs.ts';

let directory: string;
let base: number;
let playground: ProcessUnderTest;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'flotilla-playground-'));
  base = await findFreeBase([0, 1, 10, 11, 20, 21, 30, 31]);
  const options = ['--data-dir', directory, '--base-port', String(base)];
  playground = new ProcessUnderTest('flotilla playground', [programs.flotilla, 'playground', ...options]);
});
afterEach(async () => {
  const children = childrenOf(playground);
  await playground.stop('SIGKILL');
  // A killed playground cannot end its children; they see it go and end by themselves.
  await waitUntil('the children to end', () => children.every((pid) => !isRunning(pid)));
  await rm(directory, { recursive: true, force: true });
});

/** The process ids that the playground shows once it is ready. */
function childrenOf({ errors }: ProcessUnderTest): number[] {
  return [...errors.matchAll(/pid (\d+)/g)].map(([, pid]) => Number(pid));
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

function flotilla(...args: readonly string[]): Promise<ProcessEnd> {
  return new ProcessUnderTest('flotilla', [programs.flotilla, '--scheduler', `127.0.0.1:${base}`, ...args]).ended;
}

test('runs a cluster, starts a killed node again, and leaves nothing behind', async () => {
  await playground.heard(/Ctrl-C stops it all/);
  expect(playground.errors).toContain(`npx flotilla --scheduler 127.0.0.1:${base} put hello world`);
  const [scheduler, first, ...others] = childrenOf(playground);
  expect(others).toHaveLength(2);
  expect((await flotilla('put', 'hello', 'world')).code).toBe(0);
  await waitUntil('three replicas', async () => {
    const status = JSON.parse((await flotilla('status', '--json')).output.toString());
    const regions = status.regions as readonly { readonly peers: readonly unknown[] }[];
    return regions.length === 3 && regions.every(({ peers }) => peers.length === 3);
  });

  process.kill(first!, 'SIGKILL');
  await playground.heard(/node-1 was ended by SIGKILL; starting it again in 0.5 s/);
  await playground.heard(/node-1 is ready again/);
  expect((await flotilla('get', 'hello')).output.toString()).toBe('world');

  const { code, errors } = await playground.stop('SIGINT');
  expect(code).toBe(0);
  expect(errors).toContain('everything has stopped; the data stays');
  expect([scheduler, ...others].filter((pid) => isRunning(pid!))).toEqual([]);
}, 120_000);

test('does not start where another one runs', async () => {
  await playground.heard(/Ctrl-C stops it all/);
  const second = new ProcessUnderTest('flotilla playground', [
    programs.flotilla,
    'playground',
    ...['--data-dir', join(directory, 'second'), '--base-port', String(base)],
  ]);
  const { code, errors } = await second.ended;
  expect(code).toBe(72);
  expect(errors).toContain(`in use on this machine: port ${base}, ${base + 1}, ${base + 10}`);
  expect(childrenOf(playground).every(isRunning)).toBe(true);
}, 120_000);
