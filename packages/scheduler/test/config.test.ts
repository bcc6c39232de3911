import { expect, test } from 'vitest';
import { resolveSchedulerConfig } from '../src/config.ts';

test('every violation is told at once', () => {
  const partial = { idBatchSize: 0, timestampWindowMs: 1.5, storeDownAfterMs: 3 };
  expect(() => resolveSchedulerConfig(partial)).toThrow(/idBatchSize.*timestampWindowMs.*storeDownAfterMs/);
});

test('a configuration is complete and frozen', () => {
  const config = resolveSchedulerConfig({ idBatchSize: 5 });
  expect(config).toMatchObject({ idBatchSize: 5, maxPeerCount: 3 });
  expect(Object.isFrozen(config)).toBe(true);
});
