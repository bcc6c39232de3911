import { expect, test } from 'vitest';
import { CleanupStack } from '../src/cleanup-stack.ts';

test('closes in the opposite order, goes on past failures and tells them, once', async () => {
  const log: string[] = [];
  const stack = new CleanupStack((name, error) => log.push(`${name} failed: ${(error as Error).message}`));
  stack.push('first', () => log.push('first'));
  stack.push('second', async () => {
    throw new Error('stuck');
  });
  stack.push('third', async () => log.push('third'));
  await stack.run();
  await stack.run();
  expect(log).toEqual(['third', 'second failed: stuck', 'first']);
});
