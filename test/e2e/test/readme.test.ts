import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { versionOf } from './readme-example.ts';

const read = (path: string): string => readFileSync(new URL(path, import.meta.url), 'utf8');

test('shows in the README exactly the code that runs here', () => {
  expect(read('../README.md')).toContain(`\`\`\`ts\n${read('./readme-example.ts')}\`\`\``);
});

test('does what the README says', async () => {
  expect(await versionOf()).toEqual({ code: 0, version: '0.1.0' });
});
