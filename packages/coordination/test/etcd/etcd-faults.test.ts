import { createSystemRuntime, silentLogger } from '@flotilla/runtime';
import { Etcd3 } from 'etcd3';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import {
  type CoordinationBackend,
  type EtcdLocation,
  openEtcdBackend,
  prefixRange,
  type Watch,
  type WatchUpdate,
} from '../../src/index.ts';
import { type EtcdProcess, freePorts, isEtcdInstalled, startEtcd, startEtcdCluster } from './etcd-process.ts';
import { eventually } from './eventually.ts';
import { TcpProxy } from './tcp-proxy.ts';

const runtime = createSystemRuntime({ logger: silentLogger });
const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);
const text = (bytes: Uint8Array | undefined): string => new TextDecoder().decode(bytes);

function open(options: EtcdLocation): CoordinationBackend {
  const backend = openEtcdBackend({ ...options, runtime });
  onTestFinished(() => backend.close());
  return backend;
}

/** The next update, or a failure after a while. */
async function nextOf(watch: Watch, withinMs = 20_000): Promise<WatchUpdate> {
  const late = new AbortController();
  const update = await Promise.race([
    watch.next(),
    runtime.timers.sleep(withinMs, late.signal).then(() => {
      throw new Error('the watch yields nothing');
    }),
  ]);
  late.abort();
  if (update.done === true) throw new Error('the watch has ended');
  return update.value;
}

/** The values of the next `count` events. */
async function valuesOf(watch: Watch, count: number): Promise<string[]> {
  const values: string[] = [];
  while (values.length < count) {
    const update = await nextOf(watch);
    if (update.type === 'compacted') throw new Error('compacted');
    if (update.type === 'events') values.push(...update.events.map((event) => text(event.kv.value)));
  }
  return values;
}

/** Compacts and waits until what is compacted is gone from the database. */
async function compactPhysically(endpoint: string, revision: bigint): Promise<void> {
  const client = new Etcd3({ hosts: endpoint });
  try {
    await client.kv.compact({ revision: revision.toString(), physical: true });
  } finally {
    client.close();
  }
}

describe.skipIf(!isEtcdInstalled())('the etcd backend, behind a network that fails', () => {
  let etcd: EtcdProcess;
  let proxy: TcpProxy;
  let direct: CoordinationBackend;

  beforeAll(async () => {
    etcd = await startEtcd();
  });

  afterAll(() => etcd.stop());

  beforeEach(async () => {
    proxy = await TcpProxy.open(etcd.endpoint);
    direct = openEtcdBackend({ endpoints: [etcd.endpoint], runtime });
    await direct.delete({ key: Uint8Array.of(0), end: new Uint8Array(0) });
  });

  afterEach(async () => {
    await direct.close();
    await proxy.close();
  });

  test('a write whose answer is lost has an unknown outcome, and is not sent twice', async () => {
    const backend = open({ endpoints: [proxy.endpoint], requestTimeoutMs: 1000 });
    await backend.ping();
    proxy.mode = 'deaf';
    const late = backend.put({ key: utf8('a'), value: utf8('1') });
    await expect(late).rejects.toMatchObject({ code: 'outcomeUnknown' });
    const broken = backend.put({ key: utf8('b'), value: utf8('1') }, { timeoutMs: 5000 });
    await eventually(async () => expect((await direct.range({ key: utf8('b') })).count).toBe(1));
    proxy.cut();
    await expect(broken).rejects.toMatchObject({ code: 'outcomeUnknown' });
    proxy.mode = 'open';
    await backend.ping({ timeoutMs: 10_000 });
    const { kvs } = await direct.range({ key: Uint8Array.of(0), end: new Uint8Array(0) });
    expect(kvs.map((kv) => kv.version)).toEqual([1n, 1n]);
  });

  test('a write that the caller gives up after it was sent has an unknown outcome', async () => {
    const backend = open({ endpoints: [proxy.endpoint] });
    await backend.ping();
    proxy.mode = 'deaf';
    const controller = new AbortController();
    const write = backend.put({ key: utf8('a'), value: utf8('1') }, { signal: controller.signal });
    await eventually(async () => expect((await direct.range({ key: utf8('a') })).count).toBe(1));
    controller.abort();
    await expect(write).rejects.toMatchObject({ code: 'outcomeUnknown' });
    const read = backend.range({ key: utf8('a') }, { signal: AbortSignal.timeout(100) });
    await expect(read).rejects.toMatchObject({ code: 'cancelled' });
  });

  test('a read that nobody answers ends with its time; one whose connection breaks is sent again', async () => {
    const backend = open({ endpoints: [proxy.endpoint] });
    await backend.ping();
    proxy.mode = 'silent';
    await expect(backend.range({ key: utf8('a') }, { timeoutMs: 300 })).rejects.toMatchObject({ code: 'timeout' });
    const read = backend.range({ key: utf8('a') }, { timeoutMs: 15_000 });
    proxy.mode = 'open';
    proxy.cut();
    expect((await read).count).toBe(0);
  });

  test('a renewal that nobody answers ends with its time, and does not linger', async () => {
    const backend = open({ endpoints: [proxy.endpoint] });
    const { leaseId } = await backend.grantLease({ ttlMs: 60_000 });
    proxy.mode = 'silent';
    const renewal = backend.keepLeaseAlive(leaseId, { timeoutMs: 300 });
    await expect(renewal).rejects.toMatchObject({ code: 'timeout' });
    proxy.mode = 'open';
    proxy.cut();
    expect(await backend.keepLeaseAlive(leaseId, { timeoutMs: 15_000 })).toBe(60_000);
  });

  test('a watch goes on where it was after its connection broke, without a gap and without a repetition', async () => {
    const backend = open({ endpoints: [proxy.endpoint] });
    const watch = backend.watch(prefixRange(utf8('n/')));
    expect((await nextOf(watch)).type).toBe('progress');
    const count = 60;
    const writing = (async () => {
      for (let index = 0; index < count; index += 1) {
        await direct.put({ key: utf8(`n/${index % 7}`), value: utf8(String(index)) });
        if (index % 15 === 7) proxy.cut();
      }
    })();
    const values = await valuesOf(watch, count);
    await writing;
    expect(values).toEqual(Array.from({ length: count }, (_, index) => String(index)));
  });

  test('a watch notices a stream on which nothing comes any more', async () => {
    const backend = open({ endpoints: [proxy.endpoint], requestTimeoutMs: 1000 });
    const watch = backend.watch({ key: utf8('a') });
    await nextOf(watch);
    proxy.mode = 'silent';
    await direct.put({ key: utf8('a'), value: utf8('1') });
    // New connections get through; the one that is silent is not closed.
    const pending = valuesOf(watch, 1);
    await eventually(async () => {
      if (proxy.connections < 2) throw new Error('it does not connect again');
    }, 25_000);
    proxy.mode = 'open';
    expect(await pending).toEqual(['1']);
  }, 45_000);

  test('a connection on which nothing comes any more is given up, however short the calls are', async () => {
    const backend = open({ endpoints: [proxy.endpoint], dialTimeoutMs: 500 });
    await backend.ping();
    proxy.mode = 'silent';
    await eventually(async () => {
      await expect(backend.ping({ timeoutMs: 200 })).rejects.toMatchObject({
        code: expect.stringMatching('timeout|unavailable'),
      });
      if (proxy.connections < 2) throw new Error('it does not connect again');
    });
    proxy.mode = 'open';
    await backend.ping({ timeoutMs: 10_000 });
  });

  test('a watch whose history is compacted while it is cut off says so, and ends', async () => {
    const backend = open({ endpoints: [proxy.endpoint] });
    const watch = backend.watch({ key: utf8('a') });
    await nextOf(watch);
    proxy.mode = 'silent';
    proxy.cut();
    await direct.put({ key: utf8('a'), value: utf8('1') });
    await direct.delete({ key: utf8('a') });
    const { revision } = await direct.put({ key: utf8('b'), value: utf8('1') });
    await direct.compact(revision);
    proxy.mode = 'open';
    proxy.cut();
    expect(await nextOf(watch)).toEqual({ type: 'compacted', compactRevision: revision });
    expect((await watch.next()).done).toBe(true);
  });

  test('a watch does not miss a deletion at the very revision that is compacted', async () => {
    const backend = open({ endpoints: [proxy.endpoint] });
    await direct.put({ key: utf8('a'), value: utf8('1') });
    const watch = backend.watch({ key: utf8('a') });
    await nextOf(watch);
    proxy.mode = 'silent';
    proxy.cut();
    const { revision } = await direct.delete({ key: utf8('a') });
    await compactPhysically(etcd.endpoint, revision);
    proxy.mode = 'open';
    proxy.cut();
    const update = await nextOf(watch);
    // etcd drops the deletion without a word to a watch that starts there.
    if (update.type === 'events') expect(update.events.map((event) => event.type)).toEqual(['delete']);
    else expect(update).toEqual({ type: 'compacted', compactRevision: revision });
  });

  test('an idle watch that has made progress lives through a compaction while it is cut off', async () => {
    const backend = open({ endpoints: [proxy.endpoint] });
    const watch = backend.watch({ key: utf8('a') });
    await nextOf(watch);
    for (let index = 0; index < 5; index += 1) await direct.put({ key: utf8('b'), value: utf8(String(index)) });
    const { revision } = await direct.range({ key: utf8('a') });
    watch.requestProgress();
    expect(await nextOf(watch)).toEqual({ type: 'progress', revision });
    proxy.mode = 'silent';
    proxy.cut();
    await direct.compact(revision);
    proxy.mode = 'open';
    proxy.cut();
    await direct.put({ key: utf8('a'), value: utf8('1') });
    expect(await valuesOf(watch, 1)).toEqual(['1']);
  });

  test('closing ends what is under way, and leaves no connection', async () => {
    const backend = open({ endpoints: [proxy.endpoint] });
    await backend.ping();
    const watch = backend.watch({ key: utf8('a') });
    await nextOf(watch);
    proxy.mode = 'deaf';
    const read = backend.range({ key: utf8('a') });
    const write = backend.put({ key: utf8('a'), value: utf8('1') });
    const waiting = watch.next();
    const outcomes = Promise.allSettled([read, write]);
    await eventually(async () => expect((await direct.range({ key: utf8('a') })).count).toBe(1));
    await backend.close();
    expect((await waiting).done).toBe(true);
    expect(await outcomes).toMatchObject([{ reason: { code: 'closed' } }, { reason: { code: 'outcomeUnknown' } }]);
    await eventually(() => expect(proxy.open).toBe(0));
  });

  test('an endpoint that refuses, and one that takes connections and says nothing, are passed over', async () => {
    const [refusing] = await freePorts(1);
    const silent = await TcpProxy.open(etcd.endpoint);
    onTestFinished(() => silent.close());
    silent.mode = 'silent';
    const endpoints = [`127.0.0.1:${refusing}`, silent.endpoint, etcd.endpoint];
    const backend = open({ endpoints, dialTimeoutMs: 500, requestTimeoutMs: 5000 });
    await backend.put({ key: utf8('a'), value: utf8('1') });
    const watch = backend.watch({ key: utf8('a'), startRevision: 1n });
    expect((await nextOf(watch)).type).toMatch(/progress|compacted/);
    const alone = open({ endpoints: [`127.0.0.1:${refusing}`], requestTimeoutMs: 500 });
    await expect(alone.put({ key: utf8('a'), value: utf8('2') })).rejects.toMatchObject({ code: 'unavailable' });
    await expect(alone.range({ key: utf8('a') })).rejects.toMatchObject({ code: 'unavailable' });
  });

  test('an endpoint that falls silent is left for another in the middle of a read', async () => {
    const backend = open({ endpoints: [proxy.endpoint, etcd.endpoint], requestTimeoutMs: 4000 });
    await backend.ping();
    proxy.mode = 'silent';
    expect((await backend.range({ key: utf8('a') })).count).toBe(0);
    const startedMs = runtime.clock.monotonicMs();
    await backend.put({ key: utf8('a'), value: utf8('1') });
    expect(runtime.clock.monotonicMs() - startedMs).toBeLessThan(1500);
  });

  test('options that cannot be used are refused, and no password is told', () => {
    const refused = (options: EtcdLocation): string => {
      try {
        openEtcdBackend({ ...options, runtime });
      } catch (error) {
        expect(error).toMatchObject({ code: 'invalidArgument' });
        return String(error);
      }
      throw new Error('it was not refused');
    };
    expect(refused({ endpoints: [] })).toContain('endpoints');
    expect(refused({ endpoints: ['me:secret@host:1'] })).not.toContain('secret');
    expect(refused({ endpoints: ['host'] })).toContain('endpoints');
    expect(refused({ endpoints: ['https://a:1', 'http://b:1'] })).toContain('endpoints');
    expect(refused({ endpoints: ['a:1'], username: 'me' })).toContain('password');
    expect(refused({ endpoints: ['a:1'], dialTimeoutMs: 0 })).toContain('dialTimeoutMs');
    const backend = open({ endpoints: ['http://a:1', 'b:2'], username: 'me', password: 'secret' });
    expect(backend.name).toBe('etcd a:1,b:2');
    expect(JSON.stringify(backend)).not.toContain('secret');
    expect(structuredClone(backend.location)).toMatchObject({ type: 'etcd', options: { username: 'me' } });
  });
});

describe.skipIf(!isEtcdInstalled())('the etcd backend, over members that die', () => {
  test('an etcd that is killed and comes back: reads wait for it, writes say what is known', async () => {
    const etcd = await startEtcd();
    onTestFinished(() => etcd.stop());
    const backend = open({ endpoints: [etcd.endpoint], requestTimeoutMs: 20_000 });
    const { revision } = await backend.put({ key: utf8('a'), value: utf8('1') });
    const watch = backend.watch({ key: utf8('a'), startRevision: revision });
    expect(await valuesOf(watch, 1)).toEqual(['1']);
    await etcd.kill();
    const write = backend.put({ key: utf8('a'), value: utf8('2') }, { timeoutMs: 300 });
    await expect(write).rejects.toMatchObject({ code: expect.stringMatching('unavailable|outcomeUnknown') });
    const read = backend.range({ key: utf8('a') });
    etcd.start();
    expect(text((await read).kvs[0]?.value)).toBe('1');
    await backend.put({ key: utf8('a'), value: utf8('3') });
    expect(await valuesOf(watch, 1)).toEqual(['3']);
  }, 60_000);

  test('a paused etcd: writes have unknown outcomes and take effect once at most', async () => {
    const etcd = await startEtcd();
    onTestFinished(() => etcd.stop());
    const backend = open({ endpoints: [etcd.endpoint] });
    await backend.ping();
    etcd.pause();
    const write = backend.put({ key: utf8('a'), value: utf8('1') }, { timeoutMs: 500 });
    await expect(write).rejects.toMatchObject({ code: 'outcomeUnknown' });
    await expect(backend.range({ key: utf8('a') }, { timeoutMs: 500 })).rejects.toMatchObject({ code: 'timeout' });
    etcd.resume();
    await etcd.healthy();
    await backend.put({ key: utf8('b'), value: utf8('1') }, { timeoutMs: 20_000 });
    const { kvs } = await backend.range({ key: utf8('a') });
    expect(kvs.map((kv) => kv.version)).toEqual(kvs.length === 0 ? [] : [1n]);
  }, 60_000);

  test('three members of which one after the other is killed or paused: what was acknowledged stays, watches see it once', async () => {
    const members = await startEtcdCluster(3);
    onTestFinished(async () => {
      await Promise.all(members.map((member) => member.stop()));
    });
    const endpoints = members.map((member) => member.endpoint);
    const backend = open({ endpoints, requestTimeoutMs: 4000, dialTimeoutMs: 1000 });
    const watch = backend.watch(prefixRange(utf8('n/')));
    await nextOf(watch);
    const acknowledged: string[] = [];
    const doubtful: string[] = [];
    let count = 0;
    const write = async (times: number): Promise<void> => {
      for (const until = count + times; count < until; count += 1) {
        const value = String(count);
        try {
          await backend.put({ key: utf8(`n/${count % 5}`), value: utf8(value) });
          acknowledged.push(value);
        } catch (error) {
          expect(error).toMatchObject({ code: expect.stringMatching('outcomeUnknown|unavailable|timeout') });
          doubtful.push(value);
        }
      }
    };
    for (const [index, member] of members.entries()) {
      await write(10);
      if (index === 1) member.pause();
      else await member.kill();
      await write(10);
      if (index === 1) member.resume();
      else member.start();
      await member.healthy();
    }
    await write(5);
    await backend.put({ key: utf8('n/end'), value: utf8('end') }, { timeoutMs: 20_000 });
    const seen: string[] = [];
    while (seen.at(-1) !== 'end') seen.push(...(await valuesOf(watch, 1)));
    seen.pop();
    expect(new Set(seen).size).toBe(seen.length);
    expect(seen.filter((value) => !doubtful.includes(value))).toEqual(acknowledged);
    expect(acknowledged.length).toBeGreaterThan(40);
  }, 120_000);
});
