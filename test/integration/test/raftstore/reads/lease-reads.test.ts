import { describe, expect, it } from 'vitest';
import { runCourse } from './course.ts';

const seeds = Number(process.env['FLOTILLA_SEEDS'] ?? 8);

describe('lease reads under partitions, pauses, restarts, transfers and clocks that drift', () => {
  for (let seed = 1; seed <= seeds; seed += 1) {
    it(`are linearizable, from seed ${seed}`, async () => {
      const { verdict, outcome, reads } = await runCourse({ seed });
      expect(outcome, verdict).toBe('valid');
      expect(reads).toBeGreaterThan(100);
    });
    it(`are linearizable together with replica reads, from seed ${seed}`, async () => {
      const { verdict, outcome, reads } = await runCourse({ seed, replicaReads: true });
      expect(outcome, verdict).toBe('valid');
      expect(reads).toBeGreaterThan(100);
    });
  }

  it('are found out where a lease outlasts the election timeout of the others', async () => {
    const outcomes: string[] = [];
    for (let seed = 1; seed <= seeds && !outcomes.includes('violated'); seed += 1) {
      outcomes.push((await runCourse({ seed, first: { electionTicks: 40 } })).outcome);
    }
    expect(outcomes).toContain('violated');
  });
});
