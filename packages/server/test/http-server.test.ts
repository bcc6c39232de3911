import { createMemoryLogger, createSystemRuntime } from '@flotilla/runtime';
import { Registry } from 'prom-client';
import { expect, it, onTestFinished } from 'vitest';
import {
  createAdminService,
  createTinyKvService,
  type HttpServerOptions,
  registerCallMetrics,
  registerStoreMetrics,
  startHttpServer,
  storeStatus,
  testServerConfig,
} from '../src/index.ts';
import { FakeStore, testPeer } from './fake-store.ts';

const logger = createMemoryLogger();
const runtime = createSystemRuntime({ logger, seed: 1 });

async function start(options: Partial<HttpServerOptions> = {}): Promise<(path: string) => Promise<Response>> {
  const server = await startHttpServer({
    listen: ':0',
    registry: new Registry(),
    readiness: () => ({ isReady: true, reasons: [] }),
    status: () => ({}),
    runtime,
    ...options,
  });
  onTestFinished(() => server.close());
  expect(server.address.host).toBe('127.0.0.1');
  return (path) => fetch(`http://127.0.0.1:${server.address.port}${path}`);
}

it('tells that it lives, whatever its readiness', async () => {
  const get = await start({ readiness: () => ({ isReady: false, reasons: ['no leader'] }) });
  const answer = await get('/livez');
  expect([answer.status, await answer.text()]).toEqual([200, 'ok\n']);
});

it('tells whether it is ready, and why not', async () => {
  let isReady = false;
  const get = await start({ readiness: () => ({ isReady, reasons: isReady ? [] : ['region 1 has no leader'] }) });
  const before = await get('/readyz');
  expect([before.status, await before.json()]).toEqual([503, { ready: false, reasons: ['region 1 has no leader'] }]);
  isReady = true;
  const after = await get('/readyz');
  expect([after.status, await after.json()]).toEqual([200, { ready: true, reasons: [] }]);
});

it('shows the figures of the store and of its calls as Prometheus reads them', async () => {
  const registry = new Registry();
  registerStoreMetrics(registry, new FakeStore());
  const observe = registerCallMetrics(registry);
  observe('/tinykvpb.TinyKv/RawGet', 0, 3);
  observe('/tinykvpb.TinyKv/RawGet', 3, 1);
  const get = await start({ registry });
  const answer = await get('/metrics');
  expect(answer.headers.get('content-type')).toContain('text/plain');
  const text = await answer.text();
  expect(text).toContain('flotilla_store_regions 1\n');
  expect(text).toContain('flotilla_store_leaders 1\n');
  expect(text).toContain('flotilla_store_apply_lag_entries 1\n');
  expect(text).toContain('flotilla_store_raft_log_entries 4\n');
  expect(text).toContain('flotilla_grpc_calls_total{method="RawGet",code="0"} 1\n');
  expect(text).toContain('flotilla_grpc_calls_total{method="RawGet",code="3"} 1\n');
  expect(text).toContain('flotilla_grpc_call_seconds_bucket{le="0.005",method="RawGet"} 2\n');
});

it('shows the status with bytes and large numbers as text', async () => {
  const store = new FakeStore();
  store.region = { ...store.region, startKey: Buffer.from('ab'), endKey: new Uint8Array([255]) };
  const describe = () => ({ id: 1, address: 'here:1', state: 0 as const });
  const get = await start({
    status: () => ({ ...storeStatus({ store, describe, startTimeMs: 5, version: '1' }), big: 2n ** 60n }),
  });
  const answer = await get('/status');
  expect(answer.headers.get('content-type')).toContain('application/json');
  expect(await answer.json()).toMatchObject({
    clusterId: 7,
    regions: [{ region: { startKey: '6162', endKey: 'ff' }, leader: { id: testPeer.id } }],
    startTimeMs: 5,
    big: '1152921504606846976',
  });
});

it('answers 404 to what it does not have, and 500 without details when something fails', async () => {
  logger.clear();
  const get = await start({
    status: () => {
      throw new Error('secret');
    },
  });
  expect((await get('/nothing')).status).toBe(404);
  const failed = await get('/status');
  expect([failed.status, await failed.json()]).toEqual([500, { error: 'internal error' }]);
  expect(logger.messages('error')).toEqual(['an HTTP request failed']);
});

it('measures the calls that services answer', async () => {
  const seen: string[] = [];
  const options = { store: new FakeStore(), config: testServerConfig, runtime };
  const observe = (path: string, code: number): void => {
    seen.push(`${path} ${code}`);
  };
  const describe = () => ({ id: 1, address: 'here:1', state: 0 as const });
  const admin = createAdminService({ ...options, describe, startTimeMs: 5, version: '1', observe });
  const kv = createTinyKvService({ ...options, observe });
  const { default: grpc } = await import('@grpc/grpc-js');
  const call = Object.assign(new (await import('node:events')).EventEmitter(), {
    request: Buffer.alloc(0),
    metadata: new grpc.Metadata(),
  });
  const run = (handler: unknown) =>
    new Promise((resolve) => (handler as (call: unknown, answer: unknown) => void)(call, resolve));
  await run(admin.implementation['storeStatus']);
  await run(kv.implementation['rawGet']);
  expect(seen).toEqual(['/flotillapb.Admin/StoreStatus 0', '/tinykvpb.TinyKv/RawGet 3']);
});
