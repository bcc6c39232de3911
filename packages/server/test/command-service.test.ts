import { flotillapb, kvrpcpb, type MethodDefinition, tinykvpb } from '@flotilla/protocol';
import { createSystemRuntime, silentLogger } from '@flotilla/runtime';
import { Client, type ClientDuplexStream, credentials, Metadata, type ServiceError, status } from '@grpc/grpc-js';
import { expect, it, onTestFinished } from 'vitest';
import { createCommandService, type ServerConfig, startGrpcServer, testServerConfig } from '../src/index.ts';
import { FakeStore, testContext } from './fake-store.ts';
import { until } from './test-server.ts';

const { CommandMethod } = flotillapb;
const { rawGet, rawPut } = tinykvpb.TinyKv;
const context = testContext;

/** A served store and one stream of commands to it. */
class StreamBench {
  readonly store = new FakeStore();
  readonly answers: flotillapb.CommandAnswer[] = [];
  readonly messages: flotillapb.CommandAnswerBatch[] = [];
  readonly observed: string[] = [];
  ended: ServiceError | 'ok' | undefined;
  call!: ClientDuplexStream<flotillapb.CommandBatch | Buffer, flotillapb.CommandAnswerBatch>;
  close!: () => Promise<'ended' | 'cutOff'>;

  static async start(partial: Partial<ServerConfig> = {}, clusterId = '7'): Promise<StreamBench> {
    const bench = new StreamBench();
    const runtime = createSystemRuntime({ logger: silentLogger, seed: 1 });
    const config = { ...testServerConfig, ...partial };
    const observe = (path: string, code: number): void => {
      bench.observed.push(`${path.slice(path.lastIndexOf('/') + 1)} ${code}`);
    };
    const services = [createCommandService({ store: bench.store, config, runtime, observe })];
    const server = await startGrpcServer({ services, listen: ':0', config, runtime });
    const client = new Client(`127.0.0.1:${server.address.port}`, credentials.createInsecure());
    const { path, requestSerialize, responseDeserialize } = flotillapb.Commands.run;
    const serialize = (message: flotillapb.CommandBatch | Buffer) =>
      Buffer.isBuffer(message) ? message : requestSerialize(message);
    const metadata = new Metadata();
    metadata.set('flotilla-cluster-id', clusterId);
    bench.call = client.makeBidiStreamRequest(path, serialize, responseDeserialize, metadata);
    bench.call.on('data', (batch: flotillapb.CommandAnswerBatch) => {
      bench.messages.push(batch);
      bench.answers.push(...batch.answers);
    });
    bench.call.on('error', (error: ServiceError) => {
      bench.ended = error;
    });
    bench.call.on('end', () => {
      bench.ended ??= 'ok';
    });
    bench.close = () => server.close();
    onTestFinished(async () => {
      bench.call.cancel();
      client.close();
      await server.close();
    });
    return bench;
  }

  send(...commands: readonly flotillapb.Command[]): void {
    this.call.write({ commands });
  }

  async answersOf(count: number): Promise<readonly flotillapb.CommandAnswer[]> {
    await until(() => this.answers.length >= count);
    return [...this.answers].sort((a, b) => a.id - b.id);
  }
}

function command<Request, Response>(
  id: number,
  method: flotillapb.CommandMethod,
  definition: MethodDefinition<Request, Response>,
  request: Request,
): flotillapb.Command {
  return { id, method, request: definition.requestSerialize(request) };
}

function put(id: number, key: string): flotillapb.Command {
  const request = kvrpcpb.RawPutRequest.create({ context, key: Buffer.from(key), value: Buffer.from(key) });
  return command(id, CommandMethod.RawPut, rawPut, request);
}

function get(id: number, key: string): flotillapb.Command {
  const request = kvrpcpb.RawGetRequest.create({ context, key: Buffer.from(key) });
  return command(id, CommandMethod.RawGet, rawGet, request);
}

it('answers each command of a batch as the call would, and those of one turn together', async () => {
  const bench = await StreamBench.start();
  const remove = kvrpcpb.RawDeleteRequest.create({ context, key: Buffer.from('b') });
  const writes = [flotillapb.RawWrite.create({ key: Buffer.from('c'), value: Buffer.from('3') })];
  const batch = flotillapb.RawBatchWriteRequest.create({ context, writes });
  bench.send(
    put(1, 'a'),
    put(2, 'b'),
    command(3, CommandMethod.RawDelete, tinykvpb.TinyKv.rawDelete, remove),
    command(4, CommandMethod.RawBatchWrite, flotillapb.RawBatch.rawBatchWrite, batch),
  );
  expect((await bench.answersOf(4)).map(({ id, code }) => [id, code])).toEqual([1, 2, 3, 4].map((id) => [id, 0]));
  expect(bench.messages).toHaveLength(1);
  bench.send(get(5, 'a'), get(6, 'b'), get(7, 'c'));
  const responses = (await bench.answersOf(7)).slice(4).map(({ response }) => kvrpcpb.RawGetResponse.decode(response));
  expect(responses.map(({ notFound, value }) => (notFound ? undefined : Buffer.from(value).toString()))).toEqual([
    'a',
    undefined,
    '3',
  ]);
  expect(bench.observed).toContain('RawBatchWrite 0');
});

it('answers a command that is wrong with a status of its own, and goes on', async () => {
  const bench = await StreamBench.start();
  bench.send(
    { id: 1, method: 99 as flotillapb.CommandMethod, request: new Uint8Array(0) },
    { id: 2, method: CommandMethod.RawGet, request: Buffer.from([0xff]) },
    get(3, ''),
    { id: 4, method: CommandMethod.RawPut, request: new Uint8Array(testServerConfig.maxRequestBytes + 1) },
    get(5, 'a'),
  );
  const answers = await bench.answersOf(5);
  const { UNIMPLEMENTED, INVALID_ARGUMENT, OK } = status;
  const codes = [UNIMPLEMENTED, INVALID_ARGUMENT, INVALID_ARGUMENT, INVALID_ARGUMENT, OK];
  expect(answers.map(({ code }) => code)).toEqual(codes);
  expect(answers[3]?.details).toContain('the limit is');
});

it('ends a stream of something else, and of a caller that means another cluster', async () => {
  const garbled = await StreamBench.start();
  garbled.call.write(Buffer.from([0xff, 0xff]));
  await until(() => garbled.ended !== undefined);
  expect(garbled.ended).toMatchObject({ code: status.INVALID_ARGUMENT });
  const stranger = await StreamBench.start({}, '8');
  stranger.send(put(1, 'a'));
  await until(() => stranger.ended !== undefined);
  expect(stranger.ended).toMatchObject({ code: status.FAILED_PRECONDITION });
  expect(stranger.store.data.size).toBe(0);
});

it('answers what is under way when it shuts down, and refuses what comes later as not begun', async () => {
  const bench = await StreamBench.start();
  let open: () => void = () => {};
  bench.store.gate = new Promise((resolve) => {
    open = resolve;
  });
  bench.send(put(1, 'a'), get(2, ''));
  // The second one, which is wrong, is answered at once: the first has been taken in too.
  await bench.answersOf(1);
  const closing = bench.close();
  await until(() => bench.messages.some(({ isDraining }) => isDraining));
  bench.send(put(3, 'late'));
  await bench.answersOf(2);
  expect(bench.answers[1]).toMatchObject({ id: 3, code: status.UNAVAILABLE });
  bench.call.end();
  open();
  expect((await bench.answersOf(3)).map(({ code }) => code)).toEqual([
    status.OK,
    status.INVALID_ARGUMENT,
    status.UNAVAILABLE,
  ]);
  expect(await closing).toBe('ended');
  expect(bench.ended).toBe('ok');
  expect([...bench.store.data.keys()].join()).not.toContain('late');
});

it('reads no further while too much is under way', async () => {
  const bench = await StreamBench.start({ maxStreamedCommands: 2 });
  let open: () => void = () => {};
  let begun = 0;
  const gate = new Promise<void>((resolve) => {
    open = resolve;
  });
  Object.defineProperty(bench.store, 'gate', {
    get() {
      begun += 1;
      return gate;
    },
  });
  for (let id = 1; id <= 200; id += 1) bench.send(put(id, `k${id}`));
  await until(() => begun >= 2);
  for (let turn = 0; turn < 50; turn += 1) await new Promise((resolve) => setImmediate(resolve));
  // What the stream had already taken in when it was told to pause may still come.
  expect(begun).toBeLessThan(200);
  open();
  await bench.answersOf(200);
  expect(bench.store.data.size).toBe(200);
});
