import { describe, expect, it } from 'vitest';
import { parseSimOptions } from '../src/options.ts';
import { describePlan, disturbances, drawPlan } from '../src/plan.ts';

describe('the options', () => {
  it('name seeds, a profile and threads', () => {
    expect(parseSimOptions(['--seeds', '10', '--from', '5', '--profile', 'crash', '--jobs', '2'])).toEqual({
      from: 5,
      seeds: 10,
      profile: 'crash',
      jobs: 2,
      printsTraceHash: false,
    });
    expect(parseSimOptions(['--seed', '7', '--trace-hash'])).toMatchObject({
      from: 7,
      seeds: 1,
      printsTraceHash: true,
    });
    expect(parseSimOptions([])).toMatchObject({ from: 1, seeds: 100, profile: 'swarm' });
  });

  it.each([
    [['--seeds', 'many'], '--seeds: must be a whole number'],
    [['--seed', '1', '--seeds', '2'], '--seed goes without'],
    [['--trace-hash'], '--trace-hash needs --seed'],
    [['--profile', 'none'], '--profile: there is no none'],
    [['--what'], '--what'],
  ])('refuse %j', (args, reason) => {
    expect(() => parseSimOptions(args)).toThrow(reason);
  });
});

describe('a plan', () => {
  it('is the same for one seed, and holds what its profile says', () => {
    expect(drawPlan(3, 'swarm')).toEqual(drawPlan(3, 'swarm'));
    expect([...drawPlan(3, 'storm').active]).toEqual([...disturbances]);
    for (let seed = 0; seed < 50; seed += 1) {
      const { active, stores, config } = drawPlan(seed, 'crash');
      expect(active.has('crashes') && active.has('powerCuts')).toBe(true);
      expect(stores).toBeGreaterThanOrEqual(3);
      expect(stores).toBeLessThanOrEqual(7);
      expect(config.leaseReads).toBe(active.has('leaseReads'));
    }
    expect(describePlan(drawPlan(3, 'storm'))).toContain('partitions');
  });

  it('differs between seeds: every disturbance is on in some and off in others', () => {
    const plans = Array.from({ length: 60 }, (_, seed) => drawPlan(seed, 'swarm').active);
    for (const kind of disturbances) {
      expect(plans.some((active) => active.has(kind))).toBe(true);
      expect(plans.some((active) => !active.has(kind))).toBe(true);
    }
  });
});
