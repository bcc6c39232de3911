import { type eraftpb, flotillapb, raft_serverpb, tinykvpb } from '@flotilla/protocol';
import { createSystemRuntime, SimulatedWorld, silentLogger } from '@flotilla/runtime';
import { Server, ServerCredentials, type ServerReadableStream } from '@grpc/grpc-js';
import { expect, it, onTestFinished } from 'vitest';
import { GrpcTransport, type GrpcTransportOptions, testTransportConfig } from '../src/index.ts';
import { startTestServer, until } from './test-server.ts';

const runtime = createSystemRuntime({ logger: silentLogger, seed: 1 });

function createTransport(options: Partial<GrpcTransportOptions> & Pick<GrpcTransportOptions, 'resolve'>) {
  const unreachable: number[] = [];
  const transport = new GrpcTransport({
    clusterId: 7,
    config: testTransportConfig,
    runtime,
    onUnreachable: (storeId) => unreachable.push(storeId),
    ...options,
  });
  onTestFinished(() => transport.close());
  return { transport, unreachable };
}

function messageTo(storeId: number, regionId: number, entryBytes = 0): raft_serverpb.RaftMessage {
  const entries: eraftpb.Entry[] =
    entryBytes === 0 ? [] : [{ entryType: 0, term: 1, index: 1, data: Buffer.alloc(entryBytes) }];
  return raft_serverpb.RaftMessage.create({
    regionId,
    toPeer: { id: 9, storeId, role: 0 },
    message: { ...emptyMessage, entries },
  });
}

const emptyMessage = raft_serverpb.RaftMessage.decode(Buffer.from([0x22, 0x00])).message as eraftpb.Message;

it('delivers messages in order on one stream', async () => {
  const { store, target } = await startTestServer();
  let lookups = 0;
  const { transport } = createTransport({
    resolve: async () => {
      lookups += 1;
      return target;
    },
  });
  for (let regionId = 1; regionId <= 10; regionId += 1) expect(transport.send(messageTo(2, regionId))).toBe('accepted');
  await until(() => store.delivered.length === 10);
  for (let regionId = 11; regionId <= 20; regionId += 1) transport.send(messageTo(2, regionId));
  await until(() => store.delivered.length === 20);
  expect(store.delivered.map(({ regionId }) => regionId)).toEqual(Array.from({ length: 20 }, (_, index) => index + 1));
  expect(lookups).toBe(1);
});

it('puts what is sent in one turn into one frame, but for what is too large, in order', async () => {
  const frames: number[][] = [];
  const server = new Server();
  server.addService(flotillapb.RaftBatches, {
    raftBatch: (call: ServerReadableStream<flotillapb.RaftMessageBatch, raft_serverpb.Done>) => {
      call.on('data', ({ messages }: flotillapb.RaftMessageBatch) => {
        frames.push(messages.map(({ regionId }) => regionId));
      });
    },
  });
  const port = await new Promise<number>((resolve) => {
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (_error, bound) => resolve(bound));
  });
  onTestFinished(() => server.forceShutdown());
  const config = { ...testTransportConfig, maxQueuedMessages: 10_000, maxQueuedBytes: 10_000_000 };
  const { transport } = createTransport({ config, resolve: async () => `127.0.0.1:${port}` });
  transport.send(messageTo(2, 1));
  await until(() => frames.length === 1);
  for (let regionId = 2; regionId <= 101; regionId += 1) transport.send(messageTo(2, regionId));
  await until(() => frames.length === 2);
  for (let regionId = 102; regionId <= 104; regionId += 1) transport.send(messageTo(2, regionId, 200_000));
  for (let regionId = 105; regionId <= 704; regionId += 1) transport.send(messageTo(2, regionId));
  await until(() => frames.flat().length === 704);
  expect(frames.flat()).toEqual(Array.from({ length: 704 }, (_, index) => index + 1));
  expect(frames.map(({ length }) => length)).toEqual([1, 100, 1, 1, 512, 89]);
});

it('answers full, by count and by bytes, while the address is not known', async () => {
  const { transport } = createTransport({ resolve: () => new Promise(() => {}) });
  const { maxQueuedMessages, maxQueuedBytes } = testTransportConfig;
  for (let sent = 0; sent < maxQueuedMessages; sent += 1) expect(transport.send(messageTo(2, 1))).toBe('accepted');
  expect(transport.send(messageTo(2, 1))).toBe('full');
  expect(transport.queued(2)).toBe(maxQueuedMessages);
  expect(transport.send(messageTo(3, 1, maxQueuedBytes * 2))).toBe('accepted');
  expect(transport.send(messageTo(3, 1))).toBe('full');
});

it('bounds its queue when the receiver stands still, and goes on when it moves', async () => {
  const { store, target } = await startTestServer({ maxMessageBytes: 1 << 20 });
  const held: (() => void)[] = [];
  const { transport } = createTransport({
    resolve: (storeId) =>
      storeId === 2 ? Promise.resolve(target) : new Promise((_, reject) => held.push(() => reject(new Error()))),
  });
  let accepted = 0;
  // Sent in one turn of the event loop, so that nothing can be taken from the other end meanwhile.
  while (transport.send(messageTo(2, accepted + 1, 8_000)) === 'accepted') accepted += 1;
  expect(accepted).toBeLessThanOrEqual(testTransportConfig.maxQueuedBytes / 8_000 + 1);
  await until(() => store.delivered.length === accepted);
  expect(transport.send(messageTo(2, 0))).toBe('accepted');
});

it('tells that a store is unknown once it knows, and asks again later', async () => {
  const { store, target } = await startTestServer();
  let address: string | undefined;
  const { transport, unreachable } = createTransport({ resolve: async () => address });
  expect(transport.send(messageTo(2, 1))).toBe('accepted');
  await until(() => unreachable.length === 1);
  expect(transport.send(messageTo(2, 1))).toBe('unknownStore');
  expect(transport.send(raft_serverpb.RaftMessage.create({}))).toBe('unknownStore');
  address = target;
  await until(() => transport.send(messageTo(2, 5)) === 'accepted');
  await until(() => store.delivered.length > 0);
});

it('reports a dead store and reconnects to where it has moved', async () => {
  const first = await startTestServer({ shutdownTimeoutMs: 1 });
  const second = await startTestServer();
  let target = first.target;
  const { transport, unreachable } = createTransport({ resolve: async () => target });
  transport.send(messageTo(2, 1));
  await until(() => first.store.delivered.length === 1);
  await first.server.close();
  await until(() => unreachable.includes(2));
  target = second.target;
  await until(() => {
    transport.send(messageTo(2, 2));
    return second.store.delivered.length > 0;
  });
});

it('keeps trying while nobody listens, and reports each failure', async () => {
  const { server, target } = await startTestServer();
  await server.close();
  const { transport, unreachable } = createTransport({ resolve: async () => target });
  await until(() => {
    transport.send(messageTo(2, 1));
    return unreachable.length >= 3;
  });
});

it('takes nothing for a store that was just lost, until it is tried again', async () => {
  const { server, target } = await startTestServer();
  await server.close();
  const world = new SimulatedWorld(1);
  const { transport, unreachable } = createTransport({
    resolve: async () => target,
    runtime: world.createRuntime('a'),
  });
  expect(transport.send(messageTo(2, 1))).toBe('accepted');
  await until(() => unreachable.length === 1);
  expect(transport.send(messageTo(2, 1))).toBe('full');
  await world.advance(testTransportConfig.reconnectInitialMs);
  expect(transport.send(messageTo(2, 1))).toBe('accepted');
  await until(() => unreachable.length === 2);
  // The pause has doubled, and chance takes off no more than half of it.
  await world.advance(testTransportConfig.reconnectInitialMs - 1);
  expect(transport.send(messageTo(2, 1))).toBe('full');
  await world.advance(testTransportConfig.reconnectInitialMs + 1);
  expect(transport.send(messageTo(2, 1))).toBe('accepted');
});

it('survives a resolver that fails', async () => {
  let attempts = 0;
  const { transport } = createTransport({
    resolve: async () => {
      attempts += 1;
      throw new Error('scheduler away');
    },
  });
  await until(() => {
    transport.send(messageTo(2, 1));
    return attempts >= 3;
  });
});

it('is refused by a store of another cluster', async () => {
  const { store, target } = await startTestServer();
  const { transport, unreachable } = createTransport({ clusterId: 8, resolve: async () => target });
  transport.send(messageTo(2, 1));
  await until(() => unreachable.length > 0);
  expect(store.delivered).toEqual([]);
  await expect(transport.sendSnapshot(messageTo(2, 1), files(10), new AbortController().signal)).rejects.toMatchObject({
    code: 'rejected',
    message: expect.stringContaining('cluster'),
  });
});

it('answers closed after its end', async () => {
  const { transport } = createTransport({ resolve: async () => undefined });
  transport.send(messageTo(2, 1));
  transport.close();
  expect(transport.send(messageTo(2, 1))).toBe('closed');
  await expect(transport.sendSnapshot(messageTo(2, 1), files(1), new AbortController().signal)).rejects.toMatchObject({
    code: 'aborted',
  });
});

it('streams a snapshot in chunks, whole and in order', async () => {
  const { store, target } = await startTestServer();
  const { transport } = createTransport({ resolve: async () => target });
  await transport.sendSnapshot(messageTo(2, 4), files(2_500, 0, 1_024, 1), new AbortController().signal);
  expect(store.snapshots).toHaveLength(1);
  expect(store.snapshots[0]).toMatchObject({ state: 'finished', message: { regionId: 4 } });
  expect(store.snapshots[0]?.bytes).toEqual(Buffer.concat(await collect(files(2_500, 0, 1_024, 1))));
});

it('does not read ahead of a receiver that stores slowly', async () => {
  const { store, target } = await startTestServer({ maxMessageBytes: 1 << 20 });
  const config = { ...testTransportConfig, snapshotChunkBytes: 500_000 };
  const { transport } = createTransport({ resolve: async () => target, config });
  let open = (): void => {};
  store.chunkGate = new Promise((resolve) => {
    open = resolve;
  });
  let produced = 0;
  async function* counted(): AsyncGenerator<Uint8Array> {
    for (; produced < 40; produced += 1) yield Buffer.alloc(500_000);
  }
  const sending = transport.sendSnapshot(messageTo(2, 4), counted(), new AbortController().signal);
  await until(() => store.snapshots.length === 1);
  for (let turn = 0; turn < 200; turn += 1) await new Promise((resolve) => setImmediate(resolve));
  expect(produced).toBeLessThan(30);
  open();
  await sending;
  expect(produced).toBe(40);
  expect(store.snapshots[0]?.bytes).toHaveLength(20_000_000);
});

it.each([
  ['tooManySnapshots', 'RESOURCE_EXHAUSTED'],
  ['malformedSnapshot', 'INVALID_ARGUMENT'],
])('learns that the receiver answers %s', async (code, text) => {
  const { store, target } = await startTestServer();
  store.receiveFailure = Object.assign(new Error('no'), { code });
  const { transport } = createTransport({ resolve: async () => target });
  await expect(transport.sendSnapshot(messageTo(2, 4), endless(), new AbortController().signal)).rejects.toMatchObject({
    name: 'SnapshotSendError',
    code: 'rejected',
    message: expect.stringContaining(text),
  });
});

it('aborts the receiver when the sender aborts', async () => {
  const { store, target } = await startTestServer();
  const { transport } = createTransport({ resolve: async () => target });
  const controller = new AbortController();
  const sending = transport.sendSnapshot(messageTo(2, 4), silentAfter(1), controller.signal);
  await until(() => (store.snapshots[0]?.bytes.length ?? 0) > 0);
  controller.abort();
  await expect(sending).rejects.toMatchObject({ code: 'aborted' });
  await until(() => store.snapshots[0]?.state === 'aborted');
});

it('aborts the receiver when the source fails', async () => {
  const { store, target } = await startTestServer();
  const { transport } = createTransport({ resolve: async () => target });
  async function* failing(): AsyncGenerator<Uint8Array> {
    yield Buffer.alloc(10);
    await until(() => store.snapshots.length === 1);
    throw new Error('disk');
  }
  await expect(transport.sendSnapshot(messageTo(2, 4), failing(), new AbortController().signal)).rejects.toMatchObject({
    code: 'sourceFailed',
  });
  await until(() => store.snapshots[0]?.state === 'aborted');
});

it('gives a snapshot up after its time', async () => {
  const { store, target } = await startTestServer();
  const config = { ...testTransportConfig, snapshotTimeoutMs: 50 };
  const { transport } = createTransport({ resolve: async () => target, config });
  await expect(
    transport.sendSnapshot(messageTo(2, 4), silentAfter(1), new AbortController().signal),
  ).rejects.toMatchObject({ code: 'timeout' });
  await until(() => store.snapshots.every(({ state }) => state === 'aborted'));
});

it('rejects a snapshot for an unknown store', async () => {
  const { transport } = createTransport({ resolve: async () => undefined });
  await expect(transport.sendSnapshot(messageTo(2, 4), files(1), new AbortController().signal)).rejects.toMatchObject({
    code: 'unknownStore',
  });
});

it('has its receiver give up on a silent sender', async () => {
  const { store, openStream } = await startTestServer({ snapshotIdleTimeoutMs: 20 });
  const { call, answer } = openStream(tinykvpb.TinyKv.snapshot);
  call.write({ message: messageTo(1, 4), data: Buffer.alloc(1), isLast: false });
  await expect(answer).rejects.toMatchObject({ details: 'nothing came for 20 ms' });
  expect(store.snapshots.every(({ state }) => state === 'aborted')).toBe(true);
});

it.each([
  ['without its message', [{ message: undefined, data: Buffer.alloc(1), isLast: false }], 'the first chunk lacks it'],
  ['with no chunk at all', [], 'ended before its first chunk'],
])('refuses a snapshot stream %s', async (_name, chunks, details) => {
  const { openStream } = await startTestServer();
  const { call, answer } = openStream(tinykvpb.TinyKv.snapshot);
  for (const chunk of chunks) call.write(chunk);
  call.end();
  await expect(answer).rejects.toMatchObject({ details: expect.stringContaining(details) });
});

it('keeps nothing of a snapshot whose sender ends before the last chunk', async () => {
  const { store, openStream } = await startTestServer();
  const { call, answer } = openStream(tinykvpb.TinyKv.snapshot);
  call.write({ message: messageTo(1, 4), data: Buffer.alloc(1), isLast: false });
  call.end();
  await expect(answer).rejects.toMatchObject({ details: expect.stringContaining('before its last chunk') });
  expect(store.snapshots[0]?.state).toBe('aborted');
});

it('refuses a second message in a snapshot stream', async () => {
  const { store, openStream } = await startTestServer();
  const { call, answer } = openStream(tinykvpb.TinyKv.snapshot);
  for (let count = 0; count < 2; count += 1)
    call.write({ message: messageTo(1, 4), data: Buffer.alloc(1), isLast: false });
  await expect(answer).rejects.toMatchObject({ details: expect.stringContaining('only the first chunk') });
  expect(store.snapshots[0]?.state).toBe('aborted');
});

it('drops raft messages that find the mailbox full and keeps the stream', async () => {
  const { store, openStream } = await startTestServer();
  const { call } = openStream(tinykvpb.TinyKv.raft);
  let dropped = 0;
  const deliver = store.deliver.bind(store);
  store.deliver = (message) => {
    if (message.regionId !== 1) return deliver(message);
    dropped += 1;
    return 'full';
  };
  call.write(messageTo(1, 1));
  call.write(messageTo(1, 2));
  await until(() => store.delivered.length === 1);
  expect(dropped).toBe(1);
});

async function* files(...sizes: number[]): AsyncGenerator<Uint8Array> {
  for (const [index, size] of sizes.entries()) yield Buffer.alloc(size, index + 1);
}

async function* endless(): AsyncGenerator<Uint8Array> {
  while (true) yield Buffer.alloc(100);
}

async function* silentAfter(count: number): AsyncGenerator<Uint8Array> {
  for (let sent = 0; sent < count; sent += 1) yield Buffer.alloc(10);
  await new Promise(() => {});
}

async function collect(source: AsyncIterable<Uint8Array>): Promise<Uint8Array[]> {
  const all: Uint8Array[] = [];
  for await (const file of source) all.push(file);
  return all;
}
