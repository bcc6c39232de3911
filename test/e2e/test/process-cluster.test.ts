import { readFileSync } from 'node:fs';
import { ProcessCluster } from '@flotilla/test-harness';
import { expect, onTestFinished, test } from 'vitest';
import { programs } from '../src/programs.ts';
import { loseLeader } from './process-cluster-example.ts';

const read = (path: string): string => readFileSync(new URL(path, import.meta.url), 'utf8');

test("shows in the harness's README exactly the code that runs here", () => {
  const readme = read('../../../packages/test-harness/README.md');
  expect(readme).toContain(`\`\`\`ts\n${read('./process-cluster-example.ts')}\`\`\``);
});

test('does what the README says', async () => {
  const { old, next, runs } = await loseLeader(programs);
  expect(next).not.toBe(old);
  expect(runs).toBe(true);
}, 120_000);

test('a paused node answers nothing and goes on afterwards; one that cannot start is named with what it said', async () => {
  const cluster = await ProcessCluster.start({ programs, nodes: 1 });
  onTestFinished(() => cluster.close());
  cluster.pause(0);
  expect(await cluster.statuses()).toEqual([]);
  cluster.resume(0);
  await cluster.awaitReady(0);
  expect(await cluster.stop(0)).toMatchObject({ code: 0, signal: null });

  const second = await ProcessCluster.create({ programs, nodes: 1, nodeOptions: ['--tick-interval-ms', 'soon'] });
  onTestFinished(() => second.close());
  await expect(second.startAll()).rejects.toThrow('--tick-interval-ms is "soon": expected a number');
}, 120_000);
