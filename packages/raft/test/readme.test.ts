import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { applied } from './three-nodes.ts';

test('the example of the README is the one that runs here', async () => {
  const [readme, example] = await Promise.all(
    ['../README.md', './three-nodes.ts'].map((path) => readFile(new URL(path, import.meta.url), 'utf8')),
  );
  expect(readme).toContain(`\`\`\`ts\n${example}\`\`\``);
  expect(example!.trimEnd().split('\n').length).toBeLessThanOrEqual(40);
});

test('three nodes elect a leader and apply a proposal', () => {
  expect(applied).toEqual([
    ['', 'hello'],
    ['', 'hello'],
    ['', 'hello'],
  ]);
});
