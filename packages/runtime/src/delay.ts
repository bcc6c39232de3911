import { assert } from './assert.ts';

/**
 * Checks a delay or a period before it reaches a timer; `setTimeout` would silently turn a wrong one into 1 ms.
 *
 * @throws {InvariantError} unless `delayMs` is a finite number ≥ `leastMs`.
 */
export function assertDelay(delayMs: number, leastMs: number): void {
  assert(Number.isFinite(delayMs) && delayMs >= leastMs, 'a delay must be a finite number of milliseconds', {
    delayMs,
    leastMs,
  });
}
