export { assert, InvariantError, unreachable } from './assert.ts';
export { type Clock, systemClock } from './clock.ts';
export type { LogFields, Logger, LogLevel } from './logger.ts';
export type { Random } from './random.ts';
export type { Runtime } from './runtime.ts';
export { createSeededRandom } from './seeded-random.ts';
export { silentLogger } from './silent-logger.ts';
export { createSystemTimers, sleepOn } from './system-timers.ts';
export type { TimerHandle, Timers } from './timers.ts';
