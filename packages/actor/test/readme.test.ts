import { readFileSync } from 'node:fs';
import { createMemoryLogger, SimulatedWorld } from '@flotilla/runtime';
import { expect, it } from 'vitest';
import { startWordCount } from './readme-example.ts';

const read = (path: string): string => readFileSync(new URL(path, import.meta.url), 'utf8');

it('shows in the README exactly the code that runs here', () => {
  expect(read('../README.md')).toContain(`\`\`\`ts\n${read('./readme-example.ts')}\`\`\``);
});

it('does what the README says', async () => {
  const world = new SimulatedWorld(1);
  const logger = createMemoryLogger();
  const { router, addRegion, totals, stop } = startWordCount(world.createRuntime('node 1', logger));
  addRegion(1);
  addRegion(2);
  expect(router.send(1, 'a fleet of rafts')).toBe('accepted');
  expect(router.send(2, 'one region')).toBe('accepted');
  expect(router.send(1, 'and more')).toBe('accepted');
  expect(router.send(3, 'unknown')).toBe('notFound');
  await world.runUntilIdle();
  expect([...totals]).toEqual([
    [1, 6],
    [2, 2],
  ]);
  await stop();
  expect(router.send(1, 'too late')).toBe('closed');
  expect(logger.lines).toEqual([]);
});
