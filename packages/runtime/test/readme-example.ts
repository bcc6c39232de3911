import { createMemoryLogger, type Runtime, SimulatedWorld } from '@flotilla/runtime';

/** A node as Flotilla writes them: its world comes in from outside. */
async function beat({ timers, random, logger }: Runtime, rounds: number): Promise<void> {
  for (let round = 1; round <= rounds; round += 1) {
    await timers.sleep(1_000 + random.integer(0, 100));
    logger.info('beat', { round });
  }
}

/** Plays an hour of beats at most, in milliseconds of real time; the same for the same seed. */
export async function play(seed: number): Promise<{ readonly beats: number; readonly tookMs: number }> {
  const world = new SimulatedWorld(seed);
  const logger = createMemoryLogger();
  void beat(world.createRuntime('node 1', logger), 100);
  await world.runUntilIdle(3_600_000);
  return { beats: logger.messages('info').length, tookMs: world.nowMs };
}
