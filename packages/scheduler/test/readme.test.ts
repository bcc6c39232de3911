import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createSystemRuntime, silentLogger } from '@flotilla/runtime';
import { expect, onTestFinished, test } from 'vitest';
import { drawFromScheduler } from './readme-example.ts';

const read = (path: string): string => readFileSync(new URL(path, import.meta.url), 'utf8');

test('the README shows exactly the code that runs here', () => {
  expect(read('../README.md')).toContain(`\`\`\`ts\n${read('./readme-example.ts')}\`\`\``);
});

test('it does what the README says, on a real disk', async () => {
  const path = mkdtempSync(join(tmpdir(), 'flotilla-scheduler-'));
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  const runtime = createSystemRuntime({ logger: silentLogger, seed: 1 });
  const first = await drawFromScheduler(path, runtime);
  const second = await drawFromScheduler(path, runtime);
  expect([first.outcome, second.outcome]).toEqual(['bootstrapped', 'alreadyBootstrapped']);
  expect(second.clusterId).toBe(first.clusterId);
  expect(second.id).toBeGreaterThan(first.id);
  expect(second.timestamp.physical).toBeGreaterThan(first.timestamp.physical);
});
