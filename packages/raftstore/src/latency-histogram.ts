/** How long something took, over all times since the store was opened; times in milliseconds. */
export interface LatencySummary {
  readonly count: number;
  /** Summed. */
  readonly totalMs: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** The longest. */
  readonly maxMs: number;
  /** How many times fell into each bucket of `latencyBoundsMs`; the last one has those beyond them all. */
  readonly buckets: readonly number[];
}

const firstBoundMs = 0.01;
const bucketsPerOctave = 2;
const boundCount = 44;

/** Upper bounds of the buckets, inclusive: from 10 µs to half a minute, each √2 times the one before. */
export const latencyBoundsMs: readonly number[] = Object.freeze(
  Array.from({ length: boundCount }, (_, index) => firstBoundMs * 2 ** (index / bucketsPerOctave)),
);

/**
 * Counts times in buckets of a fixed logarithmic scale. Recording allocates nothing; a percentile is off by the width of a
 * bucket at most.
 */
export class LatencyHistogram {
  readonly #buckets = new Float64Array(boundCount + 1);
  #count = 0;
  #totalMs = 0;
  #maxMs = 0;

  /** Records that something took `ms`, `times` over. */
  record(ms: number, times = 1): void {
    this.#count += times;
    this.#totalMs += ms * times;
    if (ms > this.#maxMs) this.#maxMs = ms;
    const index = bucketOf(ms);
    this.#buckets[index] = (this.#buckets[index] as number) + times;
  }

  summary(): LatencySummary {
    return {
      count: this.#count,
      totalMs: this.#totalMs,
      p50Ms: this.#percentile(0.5),
      p99Ms: this.#percentile(0.99),
      maxMs: this.#maxMs,
      buckets: [...this.#buckets],
    };
  }

  /** Where that fraction of the times ends, as if they were spread evenly within their bucket. */
  #percentile(fraction: number): number {
    const rank = this.#count * fraction;
    let before = 0;
    for (const [index, count] of this.#buckets.entries()) {
      if (count > 0 && before + count >= rank) {
        const low = latencyBoundsMs[index - 1] ?? 0;
        const high = Math.min(latencyBoundsMs[index] ?? this.#maxMs, this.#maxMs);
        return Math.min(low, high) + Math.max(0, high - low) * ((rank - before) / count);
      }
      before += count;
    }
    return 0;
  }
}

function bucketOf(ms: number): number {
  if (!(ms > firstBoundMs)) return 0;
  const index = Math.ceil(Math.log2(ms / firstBoundMs) * bucketsPerOctave);
  // The logarithm of a bound itself may be a little above it.
  const isBound = ms <= (latencyBoundsMs[index - 1] ?? 0);
  return Math.min(isBound ? index - 1 : index, boundCount);
}
