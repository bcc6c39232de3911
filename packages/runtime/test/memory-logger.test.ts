import { expect, it } from 'vitest';
import { createMemoryLogger } from '../src/memory-logger.ts';

it('collects the lines of a logger and its children with their fields', () => {
  const logger = createMemoryLogger();
  const child = logger.child({ store: 1 }).child({ region: 2 });
  logger.info('started');
  child.warn('slow', { region: 3, tookMs: 12 });
  child.error('broken');
  expect(logger.lines).toEqual([
    { level: 'info', message: 'started', fields: {} },
    { level: 'warn', message: 'slow', fields: { store: 1, region: 3, tookMs: 12 } },
    { level: 'error', message: 'broken', fields: { store: 1, region: 2 } },
  ]);
  expect(logger.messages('warn')).toEqual(['slow']);
  expect(child.isEnabled('trace')).toBe(true);
  logger.clear();
  expect(logger.lines).toEqual([]);
});
