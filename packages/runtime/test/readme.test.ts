import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { play } from './readme-example.ts';

const read = (path: string): string => readFileSync(new URL(path, import.meta.url), 'utf8');

it('shows in the README exactly the code that runs here', () => {
  expect(read('../README.md')).toContain(`\`\`\`ts\n${read('./readme-example.ts')}\`\`\``);
});

it('does what the README says', async () => {
  const { beats, tookMs } = await play(42);
  expect(beats).toBe(100);
  expect(tookMs).toBeGreaterThanOrEqual(100_000);
  expect(tookMs).toBeLessThan(110_000);
  expect(await play(42)).toEqual({ beats, tookMs });
  expect(await play(43)).not.toEqual({ beats, tookMs });
});
