import net from 'node:net';
import { createSystemRuntime, silentLogger, type Timers } from '@flotilla/runtime';
import { status } from '@grpc/grpc-js';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { Misbehaviour } from './fake-cluster.ts';
import { bytes, startTestCluster, until } from './test-client.ts';

/** Misbehaves so once, or `times` times, then no more. */
function faults(...queue: Misbehaviour[]): () => Misbehaviour | undefined {
  return () => queue.shift();
}

describe('following leaders and regions', () => {
  it('follows a moved leader by the hint, without asking the scheduler again', async () => {
    const { client, cluster } = await startTestCluster();
    await client.put(bytes('a'), bytes('1'));
    cluster.moveLeader(1, 3);
    cluster.arrivals.length = 0;
    await client.put(bytes('a'), bytes('2'));
    await client.put(bytes('a'), bytes('3'));
    expect(cluster.arrivals).toEqual(['1:put', '3:put', '3:put']);
    expect(cluster.lookups.filter((what) => what === 'regions')).toHaveLength(1);
  });

  it('waits for an election', async () => {
    const { client, cluster } = await startTestCluster();
    await client.put(bytes('a'), bytes('1'));
    cluster.moveLeader(1, undefined);
    cluster.arrivals.length = 0;
    const write = client.put(bytes('a'), bytes('2'));
    await until(() => new Set(cluster.arrivals).size === 3);
    cluster.moveLeader(1, 2);
    await write;
    expect(await client.get(bytes('a'))).toEqual(bytes('2'));
  });

  it('learns of a split from the refusal', async () => {
    const { client, cluster } = await startTestCluster();
    await client.put(bytes('x'), bytes('1'));
    cluster.split(bytes('m'));
    cluster.moveLeader(2, 2);
    await client.put(bytes('x'), bytes('2'));
    await client.put(bytes('a'), bytes('3'));
    expect(await client.get(bytes('x'))).toEqual(bytes('2'));
    expect(cluster.lookups.filter((what) => what === 'regions')).toHaveLength(1);
  });

  it('asks again when the region is not where it was', async () => {
    const { client, cluster } = await startTestCluster();
    await client.put(bytes('a'), bytes('1'));
    cluster.misbehave = faults(
      { type: 'refuse', error: { regionNotFound: { regionId: 1 } } },
      {
        type: 'refuse',
        error: { keyNotInRegion: { key: bytes('a'), regionId: 1, startKey: bytes(''), endKey: bytes('') } },
      },
      { type: 'refuse', error: { storeNotMatch: { requestStoreId: 1, actualStoreId: 9 } } },
      { type: 'refuse', error: { serverIsBusy: { reason: 'mailbox' } } },
      { type: 'refuse', error: { staleCommand: {} } },
      { type: 'refuse', error: { invalidRequest: { field: 'header.peer', reason: 'replaced' } } },
      { type: 'refuse', error: { epochNotMatch: { currentRegions: [] } } },
    );
    await client.put(bytes('a'), bytes('2'));
    expect(cluster.data.get('61')).toEqual(bytes('2'));
    expect(cluster.arrivals).toHaveLength(9);
  });

  it('goes to the next leader when the old one is dead', async () => {
    const { client, cluster } = await startTestCluster();
    await client.put(bytes('a'), bytes('1'));
    cluster.killStore(1);
    cluster.moveLeader(1, 2);
    await client.put(bytes('a'), bytes('2'));
    expect(await client.get(bytes('a'))).toEqual(bytes('2'));
  });

  it('finds a store that came back at another address', async () => {
    const { client, cluster } = await startTestCluster();
    await client.put(bytes('a'), bytes('1'));
    const before = cluster.addresses.get(1);
    cluster.killStore(1);
    const write = client.put(bytes('a'), bytes('2'));
    await cluster.startStore(1);
    await write;
    expect(cluster.addresses.get(1)).not.toBe(before);
  });

  it('does not spin on a store whose regions are older than ours', async () => {
    const system = createSystemRuntime({ logger: silentLogger, seed: 1 });
    let pauses = 0;
    const sleep: Timers['sleep'] = (delayMs, signal) => {
      pauses += 1;
      return system.timers.sleep(delayMs, signal);
    };
    const runtime = { ...system, timers: { ...system.timers, sleep } };
    const { client, cluster } = await startTestCluster({ maxAttempts: 10 }, runtime);
    const old = cluster.regions.map(({ region }) => region);
    cluster.split(bytes('m'));
    await client.put(bytes('a'), bytes('1'));
    cluster.arrivals.length = 0;
    cluster.misbehave = () => ({ type: 'refuse', error: { epochNotMatch: { currentRegions: old } } });
    await expect(client.put(bytes('a'), bytes('2'))).rejects.toMatchObject({ code: 'regionError' });
    expect(cluster.arrivals).toHaveLength(10);
    expect(pauses).toBe(10);
  });
});

describe('what a failure means', () => {
  it('says no for certain when no store can be reached', async () => {
    const { client, cluster } = await startTestCluster({ maxAttempts: 6 });
    await client.put(bytes('a'), bytes('1'));
    for (const storeId of [1, 2, 3]) cluster.killStore(storeId);
    await expect(client.put(bytes('a'), bytes('2'))).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringContaining('cannot be reached'),
    });
    await expect(client.get(bytes('a'))).rejects.toMatchObject({ code: 'unavailable' });
  });

  it('says no for certain when the scheduler cannot be asked', async () => {
    const { client, cluster } = await startTestCluster({ maxAttempts: 6 });
    cluster.isSchedulerDown = true;
    await expect(client.put(bytes('a'), bytes('2'))).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringContaining('scheduler'),
    });
  });

  it('tells the last refusal when nothing else helps', async () => {
    const { client, cluster } = await startTestCluster({ maxAttempts: 6 });
    cluster.moveLeader(1, undefined);
    await expect(client.put(bytes('a'), bytes('2'))).rejects.toMatchObject({
      code: 'regionError',
      regionError: { notLeader: { regionId: 1, leader: undefined } },
    });
  });

  it('tells the deadline when a read got no answer at all', async () => {
    const { client, cluster } = await startTestCluster();
    cluster.misbehave = () => ({ type: 'hang' });
    await expect(client.get(bytes('a'), { timeoutMs: 50 })).rejects.toMatchObject({ code: 'deadlineExceeded' });
  });

  it('reads again from another peer when a store hangs', async () => {
    const { client, cluster } = await startTestCluster();
    await client.put(bytes('a'), bytes('1'));
    cluster.misbehave = (storeId) => (storeId === 1 ? { type: 'hang' } : undefined);
    cluster.moveLeader(1, 2);
    expect(await client.get(bytes('a'))).toEqual(bytes('1'));
  });

  it.each([
    ['the connection breaks', { type: 'actThenCut' }],
    ['the store cannot tell', { type: 'actThenUnknown' }],
    ['the store answers UNAVAILABLE', { type: 'status', code: status.UNAVAILABLE }],
    ['the store answers INTERNAL', { type: 'status', code: status.INTERNAL }],
  ] as const)(
    'tells that the outcome of a write is unknown when %s, and does not send it again',
    async (_name, fault) => {
      const { client, cluster } = await startTestCluster();
      cluster.misbehave = faults(fault);
      await expect(client.put(bytes('a'), bytes('1'))).rejects.toMatchObject({
        name: 'OutcomeUnknownError',
        code: 'outcomeUnknown',
      });
      expect(cluster.arrivals).toEqual(['1:put']);
    },
  );

  it.each([
    [status.INVALID_ARGUMENT, 'invalidArgument'],
    [status.UNIMPLEMENTED, 'rejected'],
    [status.PERMISSION_DENIED, 'rejected'],
  ])('takes the status %i for a certain no of code %s', async (code, expected) => {
    const { client, cluster } = await startTestCluster();
    cluster.misbehave = faults({ type: 'status', code });
    await expect(client.put(bytes('a'), bytes('1'))).rejects.toMatchObject({ code: expected });
    expect(cluster.arrivals).toEqual(['1:put']);
  });

  it.each([
    { raftEntryTooLarge: { regionId: 1, entrySize: 9, limit: 8 } },
    { invalidRequest: { field: 'put.key', reason: '9 bytes, the limit is 8' } },
  ])('takes %o for an invalid argument', async (error) => {
    const { client, cluster } = await startTestCluster();
    cluster.misbehave = faults({ type: 'refuse', error });
    await expect(client.put(bytes('a'), bytes('1'))).rejects.toMatchObject({ code: 'invalidArgument' });
  });

  it('takes a refusal of a kind it does not know for unknown', async () => {
    const { client, cluster } = await startTestCluster();
    cluster.misbehave = faults({ type: 'refuse', error: { message: 'from the future' } });
    await expect(client.put(bytes('a'), bytes('1'))).rejects.toMatchObject({ code: 'outcomeUnknown' });
  });
});

describe('retryUnknownWrites', () => {
  it('sends a write of unknown outcome again', async () => {
    const { client, cluster } = await startTestCluster({ retryUnknownWrites: true });
    await client.get(bytes('a'));
    cluster.misbehave = faults({ type: 'actThenUnknown' }, { type: 'status', code: status.UNAVAILABLE });
    await client.put(bytes('a'), bytes('1'));
    expect(cluster.arrivals.filter((arrival) => arrival.endsWith(':put')).length).toBeGreaterThanOrEqual(3);
  });

  it('stays unknown, whatever comes after, when it does not succeed', async () => {
    const { client, cluster } = await startTestCluster({ retryUnknownWrites: true, maxAttempts: 6 });
    cluster.misbehave = faults({ type: 'actThenUnknown' }, { type: 'status', code: status.INVALID_ARGUMENT });
    await expect(client.put(bytes('a'), bytes('1'))).rejects.toMatchObject({ code: 'outcomeUnknown' });
    cluster.moveLeader(1, undefined);
    cluster.misbehave = faults({ type: 'status', code: status.UNAVAILABLE });
    await expect(client.put(bytes('a'), bytes('1'))).rejects.toMatchObject({
      code: 'outcomeUnknown',
    });
  });
});

describe('half-dead stores', () => {
  it('gives up on a connection that is never answered, for certain', async () => {
    const { client, cluster } = await startTestCluster({ connectTimeoutMs: 30, maxAttempts: 6 });
    const sockets: net.Socket[] = [];
    const mute = net.createServer((socket) => sockets.push(socket));
    await new Promise<void>((resolve) => mute.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => {
      for (const socket of sockets) socket.destroy();
      mute.close();
    });
    for (const storeId of [1, 2, 3]) cluster.killStore(storeId);
    cluster.addresses.set(1, `127.0.0.1:${(mute.address() as net.AddressInfo).port}`);
    await expect(client.put(bytes('a'), bytes('1'))).rejects.toMatchObject({
      code: 'unavailable',
    });
    await cluster.startStore(2);
    cluster.moveLeader(1, 2);
    await client.put(bytes('a'), bytes('2'));
    expect(cluster.data.get('61')).toEqual(bytes('2'));
  });

  it('finds that a connection is dead by probing it', async () => {
    const { client, cluster } = await startTestCluster({
      keepaliveTimeMs: 50,
      keepaliveTimeoutMs: 500,
      attemptTimeoutMs: 5_000,
    });
    const target = new URL(`http://${cluster.addresses.get(1)}`);
    let isFrozen = false;
    const inner: net.Socket[] = [];
    // A relay that can go silent without closing, as a machine does that loses its power.
    const relay = net.createServer((outside) => {
      const inside = net.connect(Number(target.port), target.hostname);
      inner.push(inside, outside);
      outside.on('data', (data) => isFrozen || inside.write(data));
      inside.on('data', (data) => isFrozen || outside.write(data));
      for (const socket of [inside, outside]) socket.on('error', () => {});
    });
    await new Promise<void>((resolve) => relay.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => {
      for (const socket of inner) socket.destroy();
      relay.close();
    });
    const direct = cluster.addresses.get(1) as string;
    cluster.addresses.set(1, `127.0.0.1:${(relay.address() as net.AddressInfo).port}`);
    await client.put(bytes('a'), bytes('1'));
    isFrozen = true;
    const write = client.put(bytes('a'), bytes('2'));
    cluster.addresses.set(1, direct);
    await expect(write).rejects.toMatchObject({ code: 'outcomeUnknown' });
    expect(await client.get(bytes('a'))).toEqual(bytes('1'));
  });
});

it('gives every one of many callers an answer while stores die, leaders move and regions split', async () => {
  const { client, cluster } = await startTestCluster();
  const acknowledged = new Map<string, string>();
  const unknown = new Set<string>();
  let done = 0;
  const writer = async (name: string): Promise<void> => {
    for (let round = 0; round < 40; round += 1) {
      const key = `${name}${String(round).padStart(2, '0')}`;
      try {
        await client.put(bytes(key), bytes(String(round)));
        acknowledged.set(key, String(round));
      } catch (error) {
        expect(error).toMatchObject({ code: 'outcomeUnknown' });
        unknown.add(key);
      }
      done += 1;
    }
  };
  const writers = ['b', 'f', 'k', 'p', 'u'].map(writer);
  const splits = ['d', 'h', 'm', 'r'];
  for (let step = 1; step <= 8; step += 1) {
    await until(() => done >= step * 20);
    const key = splits[step >> 1];
    if (step % 2 === 0 && key !== undefined) cluster.split(bytes(key));
    const dead = 1 + (step % 3);
    const alive = 1 + ((step + 1) % 3);
    cluster.killStore(dead);
    for (const { region } of cluster.regions) cluster.moveLeader(region.id, alive);
    await cluster.startStore(dead);
  }
  await Promise.all(writers);
  const found = new Map<string, string>();
  for await (const { key, value } of client.scan())
    found.set(Buffer.from(key).toString(), Buffer.from(value).toString());
  for (const [key, value] of acknowledged) expect(found.get(key)).toBe(value);
  for (const key of found.keys()) expect(acknowledged.has(key) || unknown.has(key)).toBe(true);
  expect(acknowledged.size + unknown.size).toBe(200);
});
