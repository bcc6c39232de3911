import type { Clock, Logger } from '@flotilla/runtime';
import { SpanKind, SpanStatusCode, type Tracer } from '@opentelemetry/api';
import type { CoordinationMetrics } from './coordination-metrics.ts';

/** Sees calls begin and end: counts them, logs them and makes spans of them, as far as each is enabled. */
export class CallObserver {
  readonly metrics: CoordinationMetrics | undefined;
  readonly #tracer: Tracer | undefined;
  readonly #clock: Clock;
  readonly #logger: Logger;

  constructor(parts: {
    readonly clock: Clock;
    readonly logger: Logger;
    readonly metrics?: CoordinationMetrics | undefined;
    readonly tracer?: Tracer | undefined;
  }) {
    this.metrics = parts.metrics;
    this.#tracer = parts.tracer;
    this.#clock = parts.clock;
    this.#logger = parts.logger;
  }

  /**
   * Runs a call; its outcome comes through.
   *
   * @param operation Such as `configCenter.set`: the label of the metrics and the name of the span.
   * @param kind Whether the call leaves the process, for the span.
   */
  observe<T>(operation: string, kind: 'internal' | 'client', call: () => Promise<T>): Promise<T> {
    if (this.#tracer === undefined) return this.#measure(operation, call);
    const spanKind = kind === 'client' ? SpanKind.CLIENT : SpanKind.INTERNAL;
    return this.#tracer.startActiveSpan(`coordination.${operation}`, { kind: spanKind }, async (span) => {
      try {
        return await this.#measure(operation, call);
      } catch (error) {
        span.setStatus({ code: SpanStatusCode.ERROR, message: outcomeOf(error) });
        span.setAttribute('error.type', outcomeOf(error));
        throw error;
      } finally {
        span.end();
      }
    });
  }

  retry(operation: string, error: unknown): void {
    this.metrics?.retry(operation);
    this.#logger.debug('a call failed and is tried again', { operation, code: outcomeOf(error) });
  }

  async #measure<T>(operation: string, call: () => Promise<T>): Promise<T> {
    const startMs = this.#clock.monotonicMs();
    let outcome = 'ok';
    try {
      return await call();
    } catch (error) {
      outcome = outcomeOf(error);
      throw error;
    } finally {
      const durationMs = this.#clock.monotonicMs() - startMs;
      this.metrics?.call(operation, outcome, durationMs);
      if (this.#logger.isEnabled('debug')) {
        this.#logger.debug('a call ended', { operation, outcome, durationMs: Math.round(durationMs * 1_000) / 1_000 });
      }
    }
  }
}

/** The code of an error, or the name of one without. Messages may hold keys. */
function outcomeOf(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown';
  const { code } = error as { readonly code?: unknown };
  return typeof code === 'string' ? code : error.name;
}
