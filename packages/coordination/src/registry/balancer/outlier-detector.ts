import type { Clock } from '@flotilla/runtime';

/** When an instance is left out for a while because its calls fail. Times are in milliseconds. */
export interface OutlierRules {
  /** Calls in a row that have to fail. */
  readonly consecutiveFailures: number;
  /** The first ejection lasts so long; each further one of the same instance that much longer, up to the longest. */
  readonly baseEjectionMs: number;
  readonly maxEjectionMs: number;
  /** The largest share of the instances that may be ejected at once. */
  readonly maxEjectedShare: number;
}

/** Source: the defaults of Envoy's outlier detection, but for the share. */
export const defaultOutlierRules: OutlierRules = Object.freeze({
  consecutiveFailures: 5,
  baseEjectionMs: 30_000,
  maxEjectionMs: 300_000,
  maxEjectedShare: 0.5,
});

interface Record {
  failures: number;
  ejections: number;
  ejectedUntilMs: number;
}

/** Tells instances whose calls fail again and again, by what this channel sees of them. */
export class OutlierDetector {
  readonly #rules: OutlierRules;
  readonly #clock: Clock;
  #records = new Map<string, Record>();

  constructor(rules: OutlierRules, clock: Clock) {
    this.#rules = rules;
    this.#clock = clock;
  }

  /** Goes on with these instances alone. */
  keep(ids: readonly string[]): void {
    const kept = new Map<string, Record>();
    for (const id of ids) kept.set(id, this.#records.get(id) ?? { failures: 0, ejections: 0, ejectedUntilMs: 0 });
    this.#records = kept;
  }

  isEjected(id: string): boolean {
    return (this.#records.get(id)?.ejectedUntilMs ?? 0) > this.#clock.monotonicMs();
  }

  /** A call of the instance has ended. */
  record(id: string, isFailure: boolean): void {
    const record = this.#records.get(id);
    if (record === undefined) return;
    if (!isFailure) {
      record.failures = 0;
      record.ejections = Math.max(0, record.ejections - (this.isEjected(id) ? 0 : 1));
      return;
    }
    record.failures += 1;
    if (record.failures < this.#rules.consecutiveFailures || this.isEjected(id) || !this.#mayEject()) return;
    const { baseEjectionMs, maxEjectionMs } = this.#rules;
    record.ejections += 1;
    record.failures = 0;
    record.ejectedUntilMs = this.#clock.monotonicMs() + Math.min(baseEjectionMs * record.ejections, maxEjectionMs);
  }

  #mayEject(): boolean {
    const ejected = [...this.#records.keys()].filter((id) => this.isEjected(id)).length;
    return ejected + 1 <= this.#rules.maxEjectedShare * this.#records.size;
  }
}
