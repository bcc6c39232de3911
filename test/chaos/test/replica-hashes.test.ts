import { expect, it } from 'vitest';
import { judgeHashes } from '../src/judge/replica-hashes.ts';

const region = (regionId: number, ...hashes: readonly (string | null)[]) => ({
  regionId,
  index: 7,
  replicas: hashes.map((hash, position) => ({ storeId: position + 1, hash, problem: hash === null ? 'is away' : '' })),
});

it('passes equal replicas', () => {
  expect(judgeHashes({ regions: [region(1, 'a', 'a', 'a'), region(2, 'b', 'b', 'b')] }).outcome).toBe('valid');
});

it('convicts replicas that differ, whatever else is unknown', () => {
  const verdict = judgeHashes({ regions: [region(1, null, 'a', 'a'), region(2, 'b', 'c', 'b')] });
  expect(verdict).toMatchObject({
    outcome: 'violated',
    violation: { message: 'region 2 at index 7: store 1 has b, store 2 has c' },
  });
});

it('decides nothing when a replica has no hash, or when there is nothing', () => {
  expect(judgeHashes({ regions: [region(1, 'a', null, 'a')] })).toMatchObject({
    outcome: 'undecided',
    reason: 'region 1, store 2: is away',
  });
  expect(judgeHashes({ regions: [] })).toMatchObject({ outcome: 'undecided', reason: 'there are no regions' });
});
