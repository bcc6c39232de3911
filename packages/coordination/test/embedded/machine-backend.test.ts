import { SimulatedWorld } from '@flotilla/runtime';
import { expect, onTestFinished, test, vi } from 'vitest';
import { BackendError, type CoordinationMachineConfig, prefixRange, type WatchUpdate } from '../../src/index.ts';
import { DirectMachine } from '../machine/direct-machine.ts';

const utf8 = (text: string): Uint8Array => new Uint8Array(Buffer.from(text));
const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString();

/** A machine in a simulated world, and what runs a promise there. */
async function build(config: Partial<CoordinationMachineConfig> = {}) {
  const world = new SimulatedWorld(1);
  const runtime = world.createRuntime('machine');
  const run = async <T>(promise: Promise<T>): Promise<T> => {
    let isDone = false;
    const done = (): void => {
      isDone = true;
    };
    promise.then(done, done);
    await world.runUntil(() => isDone, 600_000);
    return promise;
  };
  const direct = await run(DirectMachine.open({ runtime, config }));
  onTestFinished(() => direct.close());
  return { world, runtime, direct, backend: direct.connect(), run };
}

const code = (expected: string) => expect.objectContaining({ name: 'BackendError', code: expected });

test('writes raise the revision by one, and a key knows of its writes', async () => {
  const { backend, run } = await build();
  expect(await run(backend.put({ key: utf8('a'), value: utf8('1') }))).toEqual({ revision: 2n });
  const { previous } = await run(backend.put({ key: utf8('a'), value: utf8('2'), previous: true }));
  expect(previous).toMatchObject({ createRevision: 2n, modRevision: 2n, version: 1n, leaseId: 0n });
  const found = await run(backend.range({ key: utf8('a') }));
  expect(found).toMatchObject({ revision: 3n, more: false, count: 1 });
  expect(found.kvs[0]).toMatchObject({ createRevision: 2n, modRevision: 3n, version: 2n });
  expect(text(found.kvs[0]?.value as Uint8Array)).toBe('2');
  expect(await run(backend.delete({ key: utf8('a'), previous: true }))).toMatchObject({ revision: 4n, deleted: 1 });
  expect(await run(backend.delete({ key: utf8('a') }))).toEqual({ revision: 4n, deleted: 0, previous: [] });
});

test('old revisions stay readable until they are compacted', async () => {
  const { backend, run } = await build();
  for (const value of ['1', '2', '3']) await run(backend.put({ key: utf8('a'), value: utf8(value) }));
  const valueAt = async (revision: bigint): Promise<string> =>
    text((await run(backend.range({ key: utf8('a'), revision }))).kvs[0]?.value as Uint8Array);
  expect(await valueAt(2n)).toBe('1');
  await expect(run(backend.range({ key: utf8('a'), revision: 9n }))).rejects.toEqual(code('futureRevision'));
  await run(backend.compact(3n));
  await expect(valueAt(2n)).rejects.toEqual(code('compacted'));
  await expect(valueAt(2n)).rejects.toMatchObject({ revision: 3n });
  expect(await valueAt(3n)).toBe('2');
  await expect(run(backend.compact(3n))).rejects.toEqual(code('compacted'));
  await expect(run(backend.compact(99n))).rejects.toEqual(code('futureRevision'));
});

test('a transaction takes the branch that its comparisons choose, with one revision for all writes', async () => {
  const { backend, run } = await build();
  const create = {
    compare: [{ key: utf8('lock'), result: '=', target: 'createRevision', createRevision: 0n }],
    success: [
      { type: 'put', key: utf8('lock'), value: utf8('mine') },
      { type: 'put', key: utf8('other'), value: utf8('x') },
    ],
    failure: [{ type: 'range', key: utf8('lock') }],
  } as const;
  expect(await run(backend.transact(create))).toMatchObject({ revision: 2n, succeeded: true });
  const second = await run(backend.transact(create));
  expect(second).toMatchObject({ revision: 2n, succeeded: false });
  expect(second.results[0]).toMatchObject({ type: 'range', count: 1, revision: 2n });
  const all = await run(backend.range(prefixRange(utf8(''))));
  expect(all.kvs.map(({ modRevision }) => modRevision)).toEqual([2n, 2n]);
});

test('a lease takes its keys with it: when revoked, and when it is not kept alive', async () => {
  const { backend, run, world } = await build();
  const lease = await run(backend.grantLease({ ttlMs: 5_000 }));
  expect(lease.ttlMs).toBe(5_000);
  await run(backend.put({ key: utf8('a'), value: utf8('1'), leaseId: lease.leaseId }));
  await run(backend.put({ key: utf8('b'), value: utf8('1'), leaseId: lease.leaseId }));
  expect((await run(backend.leaseStatus(lease.leaseId, { keys: true }))).keys.map(text)).toEqual(['a', 'b']);
  await world.advance(4_000);
  expect(await run(backend.keepLeaseAlive(lease.leaseId))).toBe(5_000);
  await world.advance(4_900);
  expect(await run(backend.leases())).toEqual([lease.leaseId]);
  await world.advance(400);
  expect(await run(backend.leases())).toEqual([]);
  expect(await run(backend.range(prefixRange(utf8(''))))).toMatchObject({ count: 0, revision: 4n });
  await expect(run(backend.keepLeaseAlive(lease.leaseId))).rejects.toEqual(code('leaseNotFound'));
  await expect(run(backend.leaseStatus(lease.leaseId))).rejects.toEqual(code('leaseNotFound'));
  await expect(run(backend.revokeLease(lease.leaseId))).rejects.toEqual(code('leaseNotFound'));
  const put = backend.put({ key: utf8('a'), value: utf8('1'), leaseId: lease.leaseId });
  await expect(run(put)).rejects.toEqual(code('leaseNotFound'));
});

test('a watch begins with progress, tells each revision once, and goes on over lost connections', async () => {
  const { backend, run, direct } = await build();
  const watch = backend.watch({ ...prefixRange(utf8('a')), previous: true });
  const next = async (): Promise<WatchUpdate> => (await run(watch.next())).value as WatchUpdate;
  const events = (update: WatchUpdate): string[] =>
    update.type === 'events' ? update.events.map(({ type, kv }) => `${type} ${text(kv.key)} ${kv.modRevision}`) : [];
  expect(await next()).toEqual({ type: 'progress', revision: 1n });
  await run(backend.put({ key: utf8('a1'), value: utf8('1') }));
  await run(backend.put({ key: utf8('b'), value: utf8('1') }));
  expect(events(await next())).toEqual(['put a1 2']);
  direct.loseConnections();
  await run(backend.put({ key: utf8('a2'), value: utf8('1') }));
  await run(backend.delete({ key: utf8('a1') }));
  expect(events(await next())).toEqual(['put a2 4', 'delete a1 5']);
  await watch.close();
  expect(await run(watch.next())).toEqual({ done: true, value: undefined });
});

test('a watch of compacted history says so and ends', async () => {
  const { backend, run } = await build();
  for (const value of ['1', '2', '3']) await run(backend.put({ key: utf8('a'), value: utf8(value) }));
  await run(backend.compact(4n));
  const watch = backend.watch({ key: utf8('a'), startRevision: 2n });
  expect((await run(watch.next())).value).toEqual({ type: 'compacted', compactRevision: 4n });
  expect(await run(watch.next())).toEqual({ done: true, value: undefined });
});

test('progress comes soon when it is asked for', async () => {
  const { backend, run, world } = await build();
  const watch = backend.watch({ key: utf8('a') });
  await run(watch.next());
  await run(backend.put({ key: utf8('b'), value: utf8('1') }));
  const before = world.nowMs;
  const update = watch.next();
  watch.requestProgress();
  expect((await run(update)).value).toEqual({ type: 'progress', revision: 2n });
  expect(world.nowMs - before).toBeLessThan(1_000);
});

test('a watch that brings many updates leaves no listeners behind', async () => {
  const { backend, run } = await build();
  const watch = backend.watch({ key: utf8('a') });
  await run(watch.next());
  const added = vi.spyOn(EventTarget.prototype, 'addEventListener');
  const removed = vi.spyOn(EventTarget.prototype, 'removeEventListener');
  onTestFinished(() => {
    vi.restoreAllMocks();
  });
  for (let write = 0; write < 50; write += 1) {
    await run(backend.put({ key: utf8('a'), value: utf8(String(write)) }));
    await run(watch.next());
  }
  expect(added.mock.calls.length - removed.mock.calls.length).toBeLessThan(5);
  await watch.close();
});

test('a closed backend refuses calls and ends watches', async () => {
  const { backend, run } = await build();
  const watch = backend.watch({ key: utf8('a') });
  await run(watch.next());
  const update = watch.next();
  await run(backend.close());
  expect(await run(update)).toEqual({ done: true, value: undefined });
  await expect(run(backend.ping())).rejects.toEqual(code('closed'));
  await expect(run(backend.ping())).rejects.toBeInstanceOf(BackendError);
});

test('a watch whose signal has aborted already ends at once, and is not kept', async () => {
  const { backend, run } = await build();
  const watch = backend.watch({ key: utf8('a') }, { signal: AbortSignal.abort() });
  expect(await run(watch.next())).toEqual({ done: true, value: undefined });
  await run(backend.close());
});
