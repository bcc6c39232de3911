import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findFreePorts, ProcessUnderTest } from '@flotilla/test-harness';
import { expect, onTestFinished, test } from 'vitest';
import { programs } from '../src/programs.ts';

async function startNode(): Promise<ProcessUnderTest> {
  const directory = await mkdtemp(join(tmpdir(), 'flotilla-e2e-'));
  const [listen, http, scheduler] = (await findFreePorts(3)).map((port) => `127.0.0.1:${port}`);
  const child = new ProcessUnderTest('flotilla-node', [
    programs.node,
    ...['--data-dir', directory, '--log-format', 'json'],
    ...['--listen', listen!, '--http', http!, '--scheduler-listen', scheduler!],
  ]);
  onTestFinished(async () => {
    await child.stop('SIGKILL');
    await rm(directory, { recursive: true, force: true });
  });
  await child.heard(/the node is ready/);
  return child;
}

test('a terminal that goes away ends the node cleanly', async () => {
  const node = await startNode();
  const { code, output } = await node.stop('SIGHUP');
  expect(code).toBe(0);
  expect(output.toString()).toContain('"stopped"');
});

test('a crash ends the node at once: it is no request to stop, and a handler of it would run for ever', async () => {
  const node = await startNode();
  const { code, signal, output } = await node.stop('SIGSEGV');
  expect({ code, signal }).toEqual({ code: null, signal: 'SIGSEGV' });
  expect(output.toString()).not.toContain('"stopping');
});
