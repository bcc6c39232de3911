import { Counter, Gauge, Histogram, Registry } from 'prom-client';

/** From 1 ms to 30 s: an answer of an embedded node, and a lock that was waited for. */
const durationBuckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

/** What a coordinator counts, for Prometheus. Labels hold names of operations and outcomes, never keys or values. */
export class CoordinationMetrics {
  readonly registry: Registry;
  readonly #calls: Counter<'operation' | 'outcome'>;
  readonly #seconds: Histogram<'operation'>;
  readonly #retries: Counter<'operation'>;
  readonly #watches: Gauge;

  /** @param registry Where the figures go; one of their own unless given. Coordinators that share one share the figures. */
  constructor(registry: Registry = new Registry()) {
    this.registry = registry;
    this.#calls = shared(registry, 'flotilla_coordination_calls_total', (name) => {
      const help = 'Calls that ended, by operation and outcome: ok, or the code of the error.';
      return new Counter({ name, help, labelNames: ['operation', 'outcome'], registers: [registry] });
    });
    this.#seconds = shared(registry, 'flotilla_coordination_call_duration_seconds', (name) => {
      const help = 'How long calls took, retries and waiting included.';
      return new Histogram({ name, help, labelNames: ['operation'], buckets: durationBuckets, registers: [registry] });
    });
    this.#retries = shared(registry, 'flotilla_coordination_retries_total', (name) => {
      const help = 'Attempts beyond the first.';
      return new Counter({ name, help, labelNames: ['operation'], registers: [registry] });
    });
    this.#watches = shared(registry, 'flotilla_coordination_watches', (name) => {
      return new Gauge({ name, help: 'Watches of the backend that are open.', registers: [registry] });
    });
  }

  call(operation: string, outcome: string, durationMs: number): void {
    this.#calls.inc({ operation, outcome });
    this.#seconds.observe({ operation }, durationMs / 1_000);
  }

  retry(operation: string): void {
    this.#retries.inc({ operation });
  }

  watchOpened(): void {
    this.#watches.inc();
  }

  watchClosed(): void {
    this.#watches.dec();
  }
}

/** The metric that is there already, or a new one: a registry refuses a second one of its name. */
function shared<Metric>(registry: Registry, name: string, create: (name: string) => Metric): Metric {
  return (registry.getSingleMetric(name) as Metric | undefined) ?? create(name);
}
