import { describe, expect, it } from 'vitest';
import { createMemoryLogger } from '../src/memory-logger.ts';
import { createSystemRuntime } from '../src/system-runtime.ts';

describe('createSystemRuntime', () => {
  it('tells the time of this process', async () => {
    const { clock, timers } = createSystemRuntime({ logger: createMemoryLogger() });
    const [monotonicMs, beforeMs] = [clock.monotonicMs(), Date.now()];
    await timers.sleep(2);
    expect(clock.monotonicMs()).toBeGreaterThan(monotonicMs);
    expect(clock.wallMs()).toBeGreaterThanOrEqual(beforeMs);
  });

  it('draws by its seed, and by another each time when none is given', () => {
    const logger = createMemoryLogger();
    const first = (seed?: number): number =>
      createSystemRuntime(seed === undefined ? { logger } : { logger, seed }).random.integer(
        0,
        Number.MAX_SAFE_INTEGER,
      );
    expect(first(3)).toBe(first(3));
    expect(first()).not.toBe(first());
  });

  it('keeps the logger it is given', () => {
    const logger = createMemoryLogger();
    expect(createSystemRuntime({ logger }).logger).toBe(logger);
  });
});
