import { flotillapb, kvrpcpb, type MethodDefinition, tinykvpb } from '@flotilla/protocol';
import { createSystemRuntime, silentLogger } from '@flotilla/runtime';
import {
  Client,
  credentials,
  Metadata,
  Server,
  ServerCredentials,
  type ServerDuplexStream,
  status,
} from '@grpc/grpc-js';
import { expect, it, onTestFinished } from 'vitest';
import { CommandStream } from '../src/command-stream.ts';
import { bytes, until } from './test-client.ts';

type Call = ServerDuplexStream<flotillapb.CommandBatch, flotillapb.CommandAnswerBatch>;

const { rawGet, rawScan } = tinykvpb.TinyKv;
const runtime = createSystemRuntime({ logger: silentLogger, seed: 1 });
const never = new AbortController().signal;

/** A server that leaves everything to the test, and a stream to it. */
async function start(offersCommands = true) {
  const calls: Call[] = [];
  const batches: flotillapb.Command[][] = [];
  const server = new Server();
  if (offersCommands) {
    const run = (call: Call): void => {
      calls.push(call);
      call.on('error', () => {});
      call.on('data', ({ commands }: flotillapb.CommandBatch) => batches.push([...commands]));
    };
    server.addService(flotillapb.Commands, { run });
  }
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    );
  });
  const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure());
  const stream = new CommandStream(client, new Metadata(), runtime.timers);
  onTestFinished(() => {
    stream.close();
    client.close();
    server.forceShutdown();
  });
  return { stream, calls, batches };
}

function get(stream: CommandStream, key: string, signal: AbortSignal = never, timeoutMs?: number) {
  const outcome = stream.send(rawGet, kvrpcpb.RawGetRequest.create({ key: bytes(key) }), { signal, timeoutMs });
  if (outcome === undefined) throw new Error('the stream takes gets');
  return outcome;
}

function answer(command: flotillapb.Command, value: string): flotillapb.CommandAnswer {
  const response = rawGet.responseSerialize(kvrpcpb.RawGetResponse.create({ value: bytes(value) }));
  return { id: command.id, code: 0, details: '', response };
}

it('sends what is asked in one turn as one message, and matches answers that come in any order', async () => {
  const { stream, calls, batches } = await start();
  const outcomes = Promise.all(['a', 'b', 'c'].map((key) => get(stream, key)));
  await until(() => batches.length > 0);
  const [batch = []] = batches;
  expect(batch.map(({ request }) => Buffer.from(rawGet.requestDeserialize(request as Buffer).key).toString())).toEqual([
    'a',
    'b',
    'c',
  ]);
  calls[0]?.write({ answers: [answer(batch[2]!, 'C'), answer(batch[0]!, 'A')], isDraining: false });
  calls[0]?.write({ answers: [answer(batch[1]!, 'B')], isDraining: false });
  const values = (await outcomes).map((outcome) => {
    if (outcome === 'unsupported' || outcome.type !== 'answered') throw new Error('not answered');
    return Buffer.from(outcome.response.value).toString();
  });
  expect(values).toEqual(['A', 'B', 'C']);
});

it('takes only the methods that may travel this way', async () => {
  const { stream } = await start();
  const scan = kvrpcpb.RawScanRequest.create({});
  expect(
    stream.send(rawScan as MethodDefinition<unknown, unknown>, scan, { signal: never, timeoutMs: 1 }),
  ).toBeUndefined();
});

it('finds out that a server does not offer it, and asks no more', async () => {
  const { stream } = await start(false);
  expect(await Promise.all([get(stream, 'a'), get(stream, 'b')])).toEqual(['unsupported', 'unsupported']);
  expect(stream.send(rawGet, kvrpcpb.RawGetRequest.create({}), { signal: never, timeoutMs: 1 })).toBeUndefined();
});

it('does not know what became of what was sent on a stream that breaks, and opens another', async () => {
  const { stream, calls, batches } = await start();
  const lost = get(stream, 'a');
  await until(() => batches.length === 1);
  calls[0]?.emit('error', { code: status.INTERNAL, details: 'broken' });
  expect(await lost).toMatchObject({ type: 'broken' });
  const next = get(stream, 'b');
  await until(() => batches.length === 2);
  calls[1]?.write({ answers: [answer(batches[1]![0]!, 'B')], isDraining: false });
  expect(await next).toMatchObject({ type: 'answered' });
});

it('knows that a request had no effect when it was refused', async () => {
  const { stream, calls, batches } = await start();
  const outcomes = Promise.all([get(stream, 'a'), get(stream, 'b'), get(stream, 'c')]);
  await until(() => batches.length === 1);
  const codes = [status.INVALID_ARGUMENT, status.UNAVAILABLE, status.INTERNAL];
  const answers = batches[0]!.map(({ id }, position) => ({
    id,
    code: codes[position]!,
    details: 'why',
    response: new Uint8Array(0),
  }));
  calls[0]?.write({ answers, isDraining: false });
  expect(await outcomes).toMatchObject([{ type: 'refused', isInvalid: true }, { type: 'notSent' }, { type: 'broken' }]);
});

it('gives up at once what is aborted, which is certain to have no effect only before it was sent', async () => {
  const { stream, calls, batches } = await start();
  const early = new AbortController();
  const unsent = get(stream, 'a', early.signal);
  early.abort();
  expect(await unsent).toMatchObject({ type: 'notSent' });
  const late = new AbortController();
  const sent = get(stream, 'b', late.signal);
  await until(() => batches.length === 1);
  expect(batches[0]).toHaveLength(1);
  late.abort();
  expect(await sent).toMatchObject({ type: 'broken' });
  // The answer that comes all the same is nobody's.
  calls[0]?.write({ answers: [answer(batches[0]![0]!, 'B')], isDraining: false });
  const next = new AbortController();
  const unanswered = get(stream, 'c', next.signal);
  await until(() => batches.length === 2);
  next.abort();
  expect(await unanswered).toMatchObject({ type: 'broken' });
  // Whether it gets as far as the server within its time is the machine's affair.
  expect(await get(stream, 'd', never, 20)).toMatchObject({ type: expect.stringMatching(/^(broken|notSent)$/) });
});

it('leaves a stream whose server ends soon, which still answers what it has', async () => {
  const { stream, calls, batches } = await start();
  const before = get(stream, 'a');
  await until(() => batches.length === 1);
  let hasEnded = false;
  calls[0]?.on('end', () => {
    hasEnded = true;
  });
  calls[0]?.write({ answers: [], isDraining: true });
  await until(() => hasEnded);
  const after = get(stream, 'b');
  await until(() => batches.length === 2);
  expect(calls).toHaveLength(2);
  calls[0]?.write({ answers: [answer(batches[0]![0]!, 'A')], isDraining: false });
  calls[0]?.end();
  expect(await before).toMatchObject({ type: 'answered' });
  calls[1]?.write({ answers: [answer(batches[1]![0]!, 'B')], isDraining: false });
  expect(await after).toMatchObject({ type: 'answered' });
});

it('leaves nobody waiting when it is closed', async () => {
  const { stream, batches } = await start();
  const sent = get(stream, 'a');
  await until(() => batches.length === 1);
  const unsent = get(stream, 'b');
  stream.close();
  expect(await sent).toMatchObject({ type: 'broken' });
  expect(await unsent).toMatchObject({ type: 'notSent' });
});
