import { HopelessError, waitUntil } from '@flotilla/test-harness';
import { expect, it } from 'vitest';

it('looks again until something is found; an error means not yet', async () => {
  let looks = 0;
  const found = await waitUntil('the third look', () => {
    looks += 1;
    if (looks === 1) throw new Error('not there');
    return looks === 2 ? undefined : looks;
  });
  expect(found).toBe(3);
});

it('says what it waited for, and what was last in the way', async () => {
  const cause = new Error('not there');
  const waiting = waitUntil('a sign', () => Promise.reject(cause), 0);
  await expect(waiting).rejects.toMatchObject({ message: 'waited 0 ms for a sign', cause });
});

it('gives up at once when there is no hope', async () => {
  const waiting = waitUntil('a sign', () => Promise.reject(new HopelessError('it is gone')));
  await expect(waiting).rejects.toThrow('it is gone');
});
