import { etcdserverpb } from '@flotilla/protocol';
import { SimulatedWorld } from '@flotilla/runtime';
import { expect, test } from 'vitest';
import { BackendError, MachineBackend, type MachineChannel, type WatchUpdate } from '../../src/index.ts';

const key = new Uint8Array(Buffer.from('k'));

/** A channel whose subscriptions follow a script, one after another, and that takes no calls. */
class ScriptedChannel implements MachineChannel {
  readonly started: bigint[] = [];
  readonly #scripts: readonly (readonly (Partial<etcdserverpb.WatchResponse> | Error | 'silence')[])[];
  readonly open = new Set<number>();

  constructor(...scripts: (readonly (Partial<etcdserverpb.WatchResponse> | Error | 'silence')[])[]) {
    this.#scripts = scripts;
  }

  call(): Promise<Uint8Array> {
    return Promise.reject(new BackendError('unavailable', 'there is no machine'));
  }

  async *subscribe(payload: Uint8Array, signal: AbortSignal): AsyncIterable<Uint8Array> {
    const number = this.started.length;
    this.started.push(etcdserverpb.WatchCreateRequest.decode(payload).startRevision);
    this.open.add(number);
    signal.addEventListener('abort', () => this.open.delete(number), { once: true });
    for (const item of this.#scripts[number] ?? ['silence']) {
      if (item instanceof Error) throw item;
      // As a dead connection: not even the signal is heard.
      if (item === 'silence') await new Promise(() => {});
      else yield etcdserverpb.WatchResponse.encode(etcdserverpb.WatchResponse.create(item));
    }
  }

  async close(): Promise<void> {}
}

const header = (revision: bigint) => etcdserverpb.ResponseHeader.create({ revision });
const created = (revision: bigint) => ({ created: true, header: header(revision) });
const put = (revision: bigint) => ({
  type: 0 as const,
  kv: { key, value: new Uint8Array(0), createRevision: 1n, modRevision: revision, version: 1n, lease: 0n },
  prevKv: undefined,
});

function build(channel: MachineChannel) {
  const world = new SimulatedWorld(1);
  const runtime = world.createRuntime('client');
  const backend = new MachineBackend(channel, { name: 'scripted', location: { type: 'here' }, runtime });
  const next = async (watch: AsyncIterator<WatchUpdate>): Promise<WatchUpdate | undefined> => {
    let result: IteratorResult<WatchUpdate> | undefined;
    let failure: unknown;
    watch.next().then(
      (value) => {
        result = value;
      },
      (error: unknown) => {
        failure = error;
      },
    );
    await world.runUntil(() => result !== undefined || failure !== undefined, 120_000);
    if (failure !== undefined) throw failure;
    return result?.value;
  };
  return { world, backend, next };
}

test('a connection that is silent for long is given up, and the watch goes on after what it had', async () => {
  const events = { header: header(8n), events: [put(7n)] };
  const channel = new ScriptedChannel([created(4n), events, 'silence'], [created(8n), { header: header(9n) }]);
  const { backend, next, world } = build(channel);
  const watch = backend.watch({ key, startRevision: 5n });
  expect(await next(watch)).toEqual({ type: 'progress', revision: 4n });
  expect(await next(watch)).toMatchObject({ type: 'events', revision: 8n });
  const before = world.nowMs;
  expect(await next(watch)).toEqual({ type: 'progress', revision: 9n });
  expect(world.nowMs - before).toBeGreaterThanOrEqual(15_000);
  expect(world.nowMs - before).toBeLessThan(20_000);
  expect(channel.started).toEqual([5n, 9n]);
  expect([...channel.open]).toEqual([1]);
});

test('a revision that is lost in the middle comes again as a whole', async () => {
  const part = { header: header(6n), events: [put(7n)], fragment: true };
  const channel = new ScriptedChannel(
    [created(4n), part, new BackendError('unavailable', 'lost')],
    [created(4n), part, { header: header(7n), events: [put(7n)] }],
  );
  const { backend, next } = build(channel);
  const watch = backend.watch({ key, startRevision: 5n });
  await next(watch);
  const update = await next(watch);
  expect(update?.type === 'events' && update.events.length).toBe(2);
  expect(channel.started).toEqual([5n, 5n]);
});

test('what is sent twice is yielded once', async () => {
  const channel = new ScriptedChannel([
    created(4n),
    { header: header(6n), events: [put(5n), put(6n)] },
    { header: header(7n), events: [put(6n), put(7n)] },
  ]);
  const { backend, next } = build(channel);
  const watch = backend.watch({ key, startRevision: 5n });
  await next(watch);
  await next(watch);
  const update = await next(watch);
  expect(update?.type === 'events' && update.events.map(({ kv }) => kv.modRevision)).toEqual([7n]);
});

test('what time cannot heal is the reader’s, and ends the watch', async () => {
  const channel = new ScriptedChannel([new BackendError('permissionDenied', 'no')]);
  const { backend, next } = build(channel);
  const watch = backend.watch({ key, startRevision: 5n });
  await expect(next(watch)).rejects.toMatchObject({ code: 'permissionDenied' });
  expect(await next(watch)).toBeUndefined();
  expect(channel.open.size).toBe(0);
});

test('pauses between connections grow, and a watch that is closed in one ends', async () => {
  const lost = [new BackendError('unavailable', 'lost')];
  const channel = new ScriptedChannel(...Array.from({ length: 50 }, () => lost));
  const { backend, world } = build(channel);
  const watch = backend.watch({ key, startRevision: 5n });
  const ended = watch.next();
  await world.advance(20_000);
  expect(channel.started.length).toBeGreaterThan(5);
  expect(channel.started.length).toBeLessThan(25);
  await watch.close();
  expect(await ended).toEqual({ done: true, value: undefined });
});
