import type { Random } from '@flotilla/runtime';

/** Bounds of a pause between attempts, in milliseconds. */
export interface BackoffBounds {
  readonly backoffInitialMs: number;
  readonly backoffMaxMs: number;
}

/**
 * The pause after the `failures`-th failure in a row, counted from 1: doubles each time up to the maximum, and is then
 * shortened by up to half, so that clients that failed together do not come back together.
 */
export function backoffMs(failures: number, bounds: BackoffBounds, random: Random): number {
  const doublings = Math.min(failures - 1, 30);
  const fullMs = Math.min(bounds.backoffInitialMs * 2 ** doublings, bounds.backoffMaxMs);
  return fullMs * (1 - random.fraction() / 2);
}
