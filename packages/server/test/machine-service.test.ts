import { createMachineClient, type MachineClient, type RawClientConfig } from '@flotilla/client';
import { flotillapb, metapb } from '@flotilla/protocol';
import { Client, credentials } from '@grpc/grpc-js';
import { expect, it, onTestFinished } from 'vitest';
import { type EchoTrace, echoKind } from './echo-machine.ts';
import { RealCluster } from './real-cluster.ts';
import { startTestServer, until } from './test-server.ts';

const key = Buffer.from('m');

async function start(
  config: Partial<RawClientConfig> = {},
): Promise<{ readonly cluster: RealCluster; readonly trace: EchoTrace; readonly client: MachineClient }> {
  const trace = { given: 0, followers: 0 };
  const cluster = await RealCluster.start(1, [echoKind(trace)]);
  const { runtime, scheduler } = cluster;
  const client = createMachineClient({ key, schedulerClient: scheduler.createClient(), runtime, config });
  onTestFinished(() => client.close());
  return { cluster, trace, client };
}

it('answers calls and reads of a machine', async () => {
  const { client } = await start();
  expect(Buffer.from(await client.call(Buffer.from('one'))).toString()).toBe('one');
  expect(Buffer.from(await client.call(Buffer.from(''), { isRead: true })).toString()).toBe('one');
  const answers = await Promise.all(['a', 'b', 'c'].map((text) => client.call(Buffer.from(text))));
  expect(answers.map((answer) => Buffer.from(answer).toString())).toEqual(['a', 'b', 'c']);
});

it('streams as fast as it is read, and ends with the machine', async () => {
  const { client, trace } = await start();
  const stream = client.subscribe(Buffer.from('100000×200'));
  expect((await stream.next())?.length).toBe(100_000);
  await until(() => trace.given > 1);
  for (let turn = 0; turn < 300; turn += 1) await new Promise((resolve) => setImmediate(resolve));
  const early = trace.given;
  expect(early).toBeLessThan(60);
  let count = 1;
  while ((await stream.next()) !== undefined) count += 1;
  expect(count).toBe(200);
  expect(await stream.next()).toBeUndefined();
  await until(() => trace.followers === 0);
});

it('lets go of a subscription whose reader has gone', async () => {
  const { client, trace } = await start();
  const stream = client.subscribe(Buffer.from('wait'));
  const outcome = stream.next().catch(({ code }: { readonly code: string }) => code);
  await until(() => trace.followers === 1);
  stream.close();
  expect(await outcome).toBe('closed');
  await until(() => trace.followers === 0);
});

it('cuts subscriptions off when the server goes, and tells that they may go on elsewhere', async () => {
  const { client, cluster, trace } = await start({ requestTimeoutMs: 500 });
  const stream = client.subscribe(Buffer.from('wait'));
  const outcome = stream.next().catch((error: { readonly code: string }) => error.code);
  await until(() => trace.followers === 1);
  await cluster.crash(cluster.nodes[0]!);
  expect(await outcome).toBe('unavailable');
  expect(trace.followers).toBe(0);
});

it('refuses what is out of its limits, another cluster, and machines that it does not have', async () => {
  const { call, store, target } = await startTestServer();
  const context = {
    regionId: 1,
    regionEpoch: { confVer: 1, version: 1 },
    peer: metapb.Peer.create({ id: 11, storeId: 1 }),
  };
  const noKey = flotillapb.MachineCallRequest.create({ context: { ...context, term: 0, replicaRead: false } });
  await expect(call(flotillapb.Machines.call, noKey)).rejects.toMatchObject({
    code: 3,
    details: expect.stringMatching(/key/),
  });
  const client = new Client(target, credentials.createInsecure(), { 'grpc.use_local_subchannel_pool': 1 });
  onTestFinished(() => client.close());
  const { path, requestSerialize, responseDeserialize } = flotillapb.Machines.subscribe;
  const read = (request: flotillapb.MachineSubscribeRequest): Promise<unknown[]> =>
    new Promise((resolve) => {
      const stream = client.makeServerStreamRequest(path, requestSerialize, responseDeserialize, request);
      const seen: unknown[] = [];
      stream.on('data', (piece: flotillapb.MachinePiece) => seen.push(piece.regionError?.regionNotFound?.regionId));
      stream.on('error', ({ code }: { readonly code?: number }) => resolve([...seen, code]));
      stream.on('end', () => resolve([...seen, 0]));
    });
  const full = { ...context, term: 0, replicaRead: false };
  expect(await read(flotillapb.MachineSubscribeRequest.create({ context: full, key }))).toEqual([store.region.id, 0]);
  expect(await read(flotillapb.MachineSubscribeRequest.create({ key }))).toEqual([3]);
});
