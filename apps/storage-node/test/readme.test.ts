import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { greet } from './readme-example.ts';

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'flotilla-node-'));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

const read = (path: string): Promise<string> => readFile(new URL(path, import.meta.url), 'utf8');

test('shows in the README exactly the code that runs here', async () => {
  expect(await read('../README.md')).toContain(`\`\`\`ts\n${await read('./readme-example.ts')}\`\`\``);
});

test('does what the README says, and keeps the data', async () => {
  expect(await greet(join(directory, 'data'))).toBeUndefined();
  expect(await greet(join(directory, 'data'))).toBe('world');
});
