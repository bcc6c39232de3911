import { describe, expect, it } from 'vitest';
import { drawPlan, profiles } from '../src/plan.ts';
import { simulate } from '../src/simulation.ts';

/** Plays seeds of a profile, and complains about the first that fails as the program would. */
async function playSeeds(profile: string, from: number, count: number): Promise<void> {
  for (let seed = from; seed < from + count; seed += 1) {
    const { failure } = await simulate(drawPlan(seed, profile));
    if (failure === undefined) continue;
    const replay = `npm run sim -- --seed ${seed} --profile ${profile}`;
    throw new Error([...failure.tail, failure.message, `replay with: ${replay}`].join('\n'));
  }
}

describe('a simulation', () => {
  it('has one history for one seed, and another for another', async () => {
    const hashOf = async (seed: number): Promise<string> => (await simulate(drawPlan(seed, 'storm'))).traceHash;
    const first = await hashOf(5);
    expect(await hashOf(5)).toBe(first);
    expect(await hashOf(6)).not.toBe(first);
  });

  it('makes operations, regions and time pass', async () => {
    let regions = 0;
    for (let seed = 1; seed <= 5; seed += 1) {
      const outcome = await simulate(drawPlan(seed, 'regions'));
      expect(outcome.failure).toBeUndefined();
      expect(outcome.operations).toBeGreaterThan(30);
      expect(outcome.virtualMs).toBeGreaterThan(30_000);
      regions += outcome.regions;
    }
    // A single seed may end with the region it began with: what splits it is drawn too.
    expect(regions).toBeGreaterThan(8);
  });

  it('tells what failed, with a readable end of the trace', async () => {
    const plan = drawPlan(1, 'crash');
    // Elections that take longer than any progress may.
    const outcome = await simulate({ ...plan, config: { ...plan.config, electionTicks: 100_000 } });
    expect(outcome.failure?.message).toMatch(/not in time|progress|settled/);
    expect(outcome.failure?.tail.length).toBeGreaterThan(5);
  });
});

describe('three hundred seeds hold', () => {
  for (let from = 1; from <= 120; from += 20) {
    it(`swarm from ${from}`, { timeout: 300_000 }, () => playSeeds('swarm', from, 20));
  }
  for (const profile of Object.keys(profiles).filter((name) => name !== 'swarm')) {
    it(`20 of the profile ${profile}`, { timeout: 300_000 }, () => playSeeds(profile, 1, 20));
  }
});
