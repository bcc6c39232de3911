import { randomInt } from 'node:crypto';
import { systemClock } from './clock.ts';
import type { Logger } from './logger.ts';
import type { Runtime } from './runtime.ts';
import { createSeededRandom } from './seeded-random.ts';
import { createSystemTimers } from './system-timers.ts';

/** What the runtime of a process needs. */
export interface SystemRuntimeOptions {
  readonly logger: Logger;
  /** The seed of all chance in this process, a safe integer; by default drawn from the system. */
  readonly seed?: number;
  /** When true, a pending timer alone does not keep the process alive; false by default. */
  readonly unref?: boolean;
}

/** The runtime of this process: its clock, timers and logger, and chance from one seed. */
export function createSystemRuntime(options: SystemRuntimeOptions): Runtime {
  return {
    clock: systemClock,
    timers: createSystemTimers({ unref: options.unref ?? false }),
    random: createSeededRandom(options.seed ?? randomInt(2 ** 32)),
    logger: options.logger,
  };
}
