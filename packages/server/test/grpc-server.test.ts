import net from 'node:net';
import { kvrpcpb, raft_serverpb, tinykvpb } from '@flotilla/protocol';
import { createSystemRuntime, silentLogger } from '@flotilla/runtime';
import { status } from '@grpc/grpc-js';
import { Registry } from 'prom-client';
import { expect, it } from 'vitest';
import { parseListenAddress, startGrpcServer, startHttpServer, testServerConfig } from '../src/index.ts';
import { testContext } from './fake-store.ts';
import { startTestServer, until } from './test-server.ts';

const { TinyKv } = tinykvpb;
const runtime = createSystemRuntime({ logger: silentLogger, seed: 1 });
const put = kvrpcpb.RawPutRequest.create({ context: testContext, key: Buffer.from('a'), value: Buffer.from('1') });

it.each([
  ['a varint cut short', Buffer.from([0x0a, 0xff])],
  ['a field past the end', Buffer.from([0x12, 0x7f, 0x01])],
  ['a wrong wire type', Buffer.from([0x0f])],
])('answers INVALID_ARGUMENT to %s and goes on', async (_name, malformed) => {
  const { call, callBytes } = await startTestServer();
  await expect(callBytes(TinyKv.rawPut.path, malformed)).rejects.toMatchObject({
    code: status.INVALID_ARGUMENT,
    details: expect.stringContaining('malformed message'),
  });
  expect((await call(TinyKv.rawPut, put)).regionError).toBeUndefined();
});

it('refuses a message above the largest before reading it, and goes on', async () => {
  const { call, callBytes, store } = await startTestServer({ maxMessageBytes: 10_000, maxRequestBytes: 10_000 });
  await expect(callBytes(TinyKv.rawPut.path, Buffer.alloc(10_001))).rejects.toMatchObject({
    code: status.RESOURCE_EXHAUSTED,
  });
  expect(store.data.size).toBe(0);
  expect((await call(TinyKv.rawPut, put)).regionError).toBeUndefined();
});

it('survives bytes that are not HTTP/2', async () => {
  const { call, server } = await startTestServer();
  const socket = net.connect(server.address.port, '127.0.0.1');
  socket.on('error', () => {});
  // Unread, the other side's end would not be seen.
  socket.resume();
  const closed = new Promise((resolve) => socket.on('close', resolve));
  socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
  socket.write(Buffer.alloc(4_096, 0xff));
  await closed;
  expect((await call(TinyKv.rawPut, put)).regionError).toBeUndefined();
});

it('answers UNIMPLEMENTED to a method nobody knows', async () => {
  const { callBytes } = await startTestServer();
  await expect(callBytes('/tinykvpb.TinyKv/Nothing', Buffer.alloc(0))).rejects.toMatchObject({
    code: status.UNIMPLEMENTED,
  });
});

it('tells that a port is in use, for gRPC and for HTTP', async () => {
  const { target } = await startTestServer();
  await expect(
    startGrpcServer({ services: [], listen: target, config: testServerConfig, runtime }),
  ).rejects.toMatchObject({ name: 'ServerError', code: 'addressInUse', message: expect.stringContaining(target) });
  const registry = new Registry();
  const readiness = () => ({ isReady: true, reasons: [] });
  await expect(
    startHttpServer({ listen: target, registry, readiness, status: () => ({}), runtime }),
  ).rejects.toMatchObject({ name: 'ServerError', code: 'addressInUse' });
});

it.each(['nonsense', '127.0.0.1', '127.0.0.1:65536', 'a b:1', '127.0.0.1:-1'])(
  'refuses to listen on %s',
  async (listen) => {
    await expect(startGrpcServer({ services: [], listen, config: testServerConfig, runtime })).rejects.toMatchObject({
      code: 'invalidAddress',
    });
  },
);

it('refuses an address that this machine does not have', async () => {
  await expect(
    startGrpcServer({ services: [], listen: '192.0.2.1:0', config: testServerConfig, runtime }),
  ).rejects.toMatchObject({ code: 'addressNotAvailable' });
});

it('reads addresses', () => {
  expect(parseListenAddress(':80')).toEqual({ host: '127.0.0.1', port: 80 });
  expect(parseListenAddress('[::1]:0')).toEqual({ host: '::1', port: 0 });
  expect(parseListenAddress('localhost:20160')).toEqual({ host: 'localhost', port: 20160 });
});

it('lets calls under way end when it closes', async () => {
  const { store, server, call } = await startTestServer();
  let open = (): void => {};
  store.gate = new Promise((resolve) => {
    open = resolve;
  });
  const answer = call(TinyKv.rawPut, put);
  let isRunning = false;
  const execute = store.execute.bind(store);
  store.execute = (request) => {
    isRunning = true;
    return execute(request);
  };
  await until(() => isRunning);
  const closing = server.close();
  open();
  expect((await answer).regionError).toBeUndefined();
  expect(await closing).toBe('ended');
});

it('ends endless streams of raft messages when it closes', async () => {
  const { server, openStream, store } = await startTestServer();
  const { call, answer } = openStream(TinyKv.raft);
  call.write(raft_serverpb.RaftMessage.create({ regionId: 1 }));
  await until(() => store.delivered.length === 1);
  expect(await server.close()).toBe('ended');
  await expect(answer).rejects.toMatchObject({ code: status.UNAVAILABLE });
});

it('cuts off what has not ended in time', async () => {
  const { store, server, call } = await startTestServer({ shutdownTimeoutMs: 20 });
  let isRunning = false;
  store.execute = () => {
    isRunning = true;
    return new Promise(() => {});
  };
  const answer = call(TinyKv.rawPut, put);
  await until(() => isRunning);
  expect(await server.close()).toBe('cutOff');
  await expect(answer).rejects.toMatchObject({ code: expect.any(Number) });
});
