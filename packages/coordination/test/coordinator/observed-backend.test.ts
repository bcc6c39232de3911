import { createMemoryLogger, SimulatedWorld } from '@flotilla/runtime';
import { type Span, SpanStatusCode, type Tracer } from '@opentelemetry/api';
import { Registry } from 'prom-client';
import { expect, test } from 'vitest';
import { CallObserver } from '../../src/coordinator/call-observer.ts';
import { CoordinationMetrics } from '../../src/coordinator/coordination-metrics.ts';
import { ObservedBackend } from '../../src/coordinator/observed-backend.ts';
import { RetryPolicy } from '../../src/coordinator/retry-policy.ts';
import type { BackendErrorCode } from '../../src/index.ts';
import { ScriptedBackend } from './scripted-backend.ts';

const retryConfig = { maxRetries: 2, initialIntervalMs: 100, maxIntervalMs: 2_000, multiplier: 1.5, jitter: 0 };
const put = { key: Buffer.from('a secret key'), value: Buffer.from('a secret value') };

/** Keeps the spans that were ended. */
function memoryTracer() {
  const spans: { name: string; status: string; attributes: Record<string, unknown> }[] = [];
  const startActiveSpan = (name: string, _options: unknown, run: (span: Span) => unknown): unknown => {
    const span = { name, status: 'ok', attributes: {} as Record<string, unknown> };
    return run({
      setStatus: ({ code }: { code: SpanStatusCode }) => {
        if (code === SpanStatusCode.ERROR) span.status = 'error';
      },
      setAttribute: (key: string, value: unknown) => {
        span.attributes[key] = value;
      },
      end: () => spans.push(span),
    } as unknown as Span);
  };
  return { spans, tracer: { startActiveSpan } as unknown as Tracer };
}

function observed(outcomes: readonly (BackendErrorCode | 'ok')[]) {
  const world = new SimulatedWorld(1);
  const runtime = world.createRuntime('a');
  const scripted = new ScriptedBackend(outcomes);
  const logger = createMemoryLogger();
  const metrics = new CoordinationMetrics(new Registry());
  const { spans, tracer } = memoryTracer();
  const observer = new CallObserver({ clock: runtime.clock, logger, metrics, tracer });
  const retry = new RetryPolicy(retryConfig, runtime);
  const backend = new ObservedBackend(scripted.backend, { clock: runtime.clock, observer, retry });
  return { world, scripted, backend, logger, metrics, spans };
}

/** The code a promise was rejected with, or `ok`; pending until the world moved on. */
function codeOf(promise: Promise<unknown>): { code: string } {
  const outcome = { code: 'pending' };
  promise.then(
    () => Object.assign(outcome, { code: 'ok' }),
    (error: { code: string }) => Object.assign(outcome, { code: error.code }),
  );
  return outcome;
}

test.each(['put', 'range'] as const)('a %s that reached nobody is tried again', async (method) => {
  const { world, backend, scripted } = observed(['unavailable', 'unavailable', 'ok']);
  const outcome = codeOf(method === 'put' ? backend.put(put) : backend.range(put));
  await world.runUntilIdle();
  expect(outcome.code).toBe('ok');
  expect(scripted.calls.map((call) => call.method)).toEqual([method, method, method]);
});

test.each(['outcomeUnknown', 'timeout', 'cancelled', 'permissionDenied', 'noSpace', 'invalidArgument'] as const)(
  'a write that ended as %s is not sent again',
  async (code) => {
    const { world, backend, scripted } = observed([code]);
    const outcome = codeOf(backend.put(put));
    await world.runUntilIdle();
    expect(outcome.code).toBe(code);
    expect(scripted.calls).toHaveLength(1);
  },
);

test('all attempts share the time of the call', async () => {
  const { world, backend, scripted } = observed(['unavailable', 'unavailable', 'unavailable']);
  const outcome = codeOf(backend.put(put, { timeoutMs: 200 }));
  await world.runUntilIdle();
  expect(outcome.code).toBe('unavailable');
  expect(scripted.calls.map(({ options }) => options?.timeoutMs)).toEqual([200, 100]);
});

test('calls, outcomes, retries and durations are counted', async () => {
  const { world, backend, metrics } = observed(['unavailable', 'ok', 'outcomeUnknown']);
  codeOf(backend.put(put));
  await world.runUntilIdle();
  codeOf(backend.put(put));
  await world.runUntilIdle();
  const text = await metrics.registry.metrics();
  expect(text).toContain('flotilla_coordination_calls_total{operation="backend.put",outcome="ok"} 1');
  expect(text).toContain('flotilla_coordination_calls_total{operation="backend.put",outcome="outcomeUnknown"} 1');
  expect(text).toContain('flotilla_coordination_retries_total{operation="backend.put"} 1');
  expect(text).toContain('flotilla_coordination_call_duration_seconds_sum{operation="backend.put"} 0.1');
});

test('two coordinators can count into one registry', async () => {
  const registry = new Registry();
  for (const metrics of [new CoordinationMetrics(registry), new CoordinationMetrics(registry)]) {
    metrics.call('backend.ping', 'ok', 1);
  }
  expect(await registry.metrics()).toContain('{operation="backend.ping",outcome="ok"} 2');
});

test('each call is a span, which tells of a failure', async () => {
  const { world, backend, spans } = observed(['ok', 'noSpace']);
  codeOf(backend.range(put));
  await world.runUntilIdle();
  codeOf(backend.put(put));
  await world.runUntilIdle();
  expect(spans).toEqual([
    { name: 'coordination.backend.range', status: 'ok', attributes: {} },
    { name: 'coordination.backend.put', status: 'error', attributes: { 'error.type': 'noSpace' } },
  ]);
});

test('neither keys nor values are logged, counted or traced', async () => {
  const { world, backend, logger, metrics, spans } = observed(['unavailable', 'noSpace']);
  codeOf(backend.put(put));
  await world.runUntilIdle();
  expect(logger.lines.length).toBeGreaterThan(0);
  expect(JSON.stringify([logger.lines, spans, await metrics.registry.metrics()])).not.toContain('secret');
});
