import { Worker } from 'node:worker_threads';
import { describe, expect, it } from 'vitest';
import { processClock } from '../src/clock.ts';
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

describe('processClock', () => {
  it('is read alike by all threads of the process', async () => {
    const source = `require('node:worker_threads').parentPort.postMessage(Number(process.hrtime.bigint()) / 1e6)`;
    const beforeMs = processClock.monotonicMs();
    const thread = new Worker(source, { eval: true });
    const threadMs = await new Promise<number>((resolve) => {
      thread.once('message', resolve);
    });
    expect(threadMs).toBeGreaterThanOrEqual(beforeMs);
    expect(threadMs).toBeLessThanOrEqual(processClock.monotonicMs());
    await thread.terminate();
  });
});
