import { describe, expect, it } from 'vitest';
import { runCourse } from '../reads/course.ts';

const seeds = Number(process.env['FLOTILLA_SEEDS'] ?? 6);

describe('regions that fall asleep between uses, under partitions, pauses, restarts, transfers and clocks that drift', () => {
  for (let seed = 1; seed <= seeds; seed += 1) {
    for (const leaseReads of [false, true]) {
      it(`stay linearizable ${leaseReads ? 'with' : 'without'} leases, from seed ${seed}`, async () => {
        const config = { leaseReads, hibernateAfterMs: 100 };
        const { verdict, outcome, reads, slept } = await runCourse({
          seed,
          config,
          pauses: true,
          replicaReads: seed % 2 === 0,
        });
        expect(outcome, verdict).toBe('valid');
        expect(slept).toBe(true);
        expect(reads).toBeGreaterThan(50);
      });
    }
  }
});
