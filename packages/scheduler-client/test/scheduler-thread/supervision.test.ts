import { metapb, schedulerpb } from '@flotilla/protocol';
import { createMemoryLogger, type Runtime, SimulatedWorld } from '@flotilla/runtime';
import { expect, test } from 'vitest';
import { testGrpcSchedulerClientConfig } from '../../src/grpc-client-config.ts';
import type {
  FromSchedulerThread,
  SchedulerThreadData,
  ToSchedulerThread,
} from '../../src/scheduler-thread/message.ts';
import type { SchedulerThreadEvents } from '../../src/scheduler-thread/spawn.ts';
import type { SchedulerThreadConfig } from '../../src/scheduler-thread/thread-config.ts';
import { ThreadSchedulerClient } from '../../src/scheduler-thread/thread-scheduler-client.ts';

/** A thread that does what the test tells it, in simulated time. */
class FakeThread {
  readonly data: SchedulerThreadData;
  readonly events: SchedulerThreadEvents;
  readonly heard: ToSchedulerThread[] = [];
  isHung = false;
  isEnded = false;

  constructor(data: SchedulerThreadData, events: SchedulerThreadEvents) {
    this.data = data;
    this.events = events;
  }

  post(message: ToSchedulerThread): void {
    this.heard.push(message);
    if (message.type === 'ping' && !this.isHung) this.say({ type: 'pong' });
    if (message.type === 'close' && !this.isHung) this.say({ type: 'closed' });
  }

  async end(): Promise<void> {
    this.isEnded = true;
  }

  say(message: FromSchedulerThread): void {
    queueMicrotask(() => this.events.onMessage(message));
  }

  /** What it was told of one type, in order. */
  of<Type extends ToSchedulerThread['type']>(type: Type) {
    return this.heard.filter((it): it is Extract<ToSchedulerThread, { readonly type: Type }> => it.type === type);
  }
}

interface Stage {
  readonly world: SimulatedWorld;
  readonly runtime: Runtime;
  readonly logger: ReturnType<typeof createMemoryLogger>;
  readonly threads: FakeThread[];
  readonly connecting: Promise<ThreadSchedulerClient>;
  readonly unreached: () => number;
}

const threadConfig: Partial<SchedulerThreadConfig> = {
  maxCalls: 3,
  maxHeartbeatsPerBatch: 2,
  callDeadlineMs: 60_000,
  pingIntervalMs: 1000,
  pingDeadlineMs: 5000,
  startDeadlineMs: 20_000,
  restartBackoffInitialMs: 100,
  restartBackoffMaxMs: 1000,
};

function stage(isReadyAtOnce = true): Stage {
  const world = new SimulatedWorld(1);
  const logger = createMemoryLogger();
  const runtime = world.createRuntime('store', logger);
  const threads: FakeThread[] = [];
  let unreached = 0;
  const connecting = ThreadSchedulerClient.connect({
    endpoints: ['h:1'],
    runtime,
    config: testGrpcSchedulerClientConfig,
    threadConfig,
    onUnreached: () => {
      unreached += 1;
    },
    spawn: (data, events) => {
      const thread = new FakeThread(data, events);
      threads.push(thread);
      if (isReadyAtOnce) thread.say({ type: 'ready', clusterId: 77 });
      return thread;
    },
  });
  connecting.catch(() => {});
  return { world, runtime, logger, threads, connecting, unreached: () => unreached };
}

const region = metapb.Region.create({ id: 7 });
const heartbeatOf = (id: number, term = 1) =>
  schedulerpb.RegionHeartbeatRequest.create({ region: { ...region, id }, term });

test('a call crosses and is answered; an error comes out as it went in', async () => {
  const { threads, connecting } = stage();
  const client = await connecting;
  expect(client.clusterId).toBe(77);
  const id = client.allocId();
  const gone = client.askSplit(region, 1);
  const [first, second] = threads[0]!.of('call');
  threads[0]!.say({ type: 'answered', id: first!.id, answer: 12 });
  threads[0]!.say({ type: 'failed', id: second!.id, error: { code: 'regionNotFound', message: 'no region 7' } });
  expect(await id).toBe(12);
  await expect(gone).rejects.toMatchObject({ name: 'SchedulerError', code: 'regionNotFound', message: 'no region 7' });
  expect(client.workerStats).toMatchObject({ done: 2, failed: 0, replaced: 0, pending: 0 });
  await client.close();
  expect(threads[0]!.isEnded).toBe(true);
});

test('an aborted call ends at once, and the thread is told', async () => {
  const { threads, connecting } = stage();
  const client = await connecting;
  const giveUp = new AbortController();
  const call = client.allocId(giveUp.signal);
  giveUp.abort(new Error('enough'));
  await expect(call).rejects.toMatchObject({ code: 'cancelled' });
  expect(threads[0]!.of('cancel')).toEqual([{ type: 'cancel', id: threads[0]!.of('call')[0]!.id }]);
});

test('no more calls than the limit are under way', async () => {
  const { connecting } = stage();
  const client = await connecting;
  const calls = [client.allocId(), client.allocId(), client.allocId()].map((call) => call.catch(() => {}));
  await expect(client.allocId()).rejects.toMatchObject({ code: 'unavailable' });
  await client.close();
  await Promise.all(calls);
});

test('a call that a live thread does not answer fails at its deadline', async () => {
  const { world, threads, connecting } = stage();
  const client = await connecting;
  let failure: unknown;
  client.allocId().catch((error: unknown) => {
    failure = error;
  });
  await world.advance(59_000);
  expect(failure).toBeUndefined();
  await world.advance(2000);
  expect(failure).toMatchObject({ code: 'unavailable' });
  expect(threads).toHaveLength(1);
  expect(threads[0]!.of('cancel')).toHaveLength(1);
});

test('heartbeats cross in batches, one at a time, the latest of each region', async () => {
  const { world, threads, connecting } = stage();
  const client = await connecting;
  for (const id of [1, 2, 3]) client.regionHeartbeat(heartbeatOf(id));
  client.regionHeartbeat(heartbeatOf(3, 2));
  await world.advance(1);
  const batches = () =>
    threads[0]!.of('heartbeats').map(({ heartbeats }) => heartbeats.map(({ region, term }) => [region?.id, term]));
  expect(batches()).toEqual([
    [
      [1, 1],
      [2, 1],
    ],
  ]);
  threads[0]!.say({ type: 'taken' });
  await world.advance(1);
  expect(batches()[1]).toEqual([[3, 2]]);
  for (let id = 10; id < 30; id += 1) client.regionHeartbeat(heartbeatOf(id));
  expect(client.droppedHeartbeats).toBe(20 - testGrpcSchedulerClientConfig.maxQueuedHeartbeats);
});

test('a thread that ends is replaced: its calls fail by name, and what comes meanwhile waits for the next', async () => {
  const { world, threads, connecting, logger } = stage();
  const client = await connecting;
  const cut = client.allocId();
  client.regionHeartbeat(heartbeatOf(1));
  await world.advance(1);
  threads[0]!.events.onEnd(new Error('ended'));
  threads[0]!.events.onEnd(new Error('the thread ended with 1'));
  await expect(cut).rejects.toMatchObject({ name: 'SchedulerError', code: 'unavailable' });
  const next = client.allocId();
  client.regionHeartbeat(heartbeatOf(2));
  await world.advance(200);
  expect(threads).toHaveLength(2);
  expect(threads[1]!.data.clusterId).toBe(77);
  expect(threads[1]!.of('heartbeats').flatMap(({ heartbeats }) => heartbeats.map((it) => it.region?.id))).toEqual([2]);
  // What the old thread still had to say does not matter.
  threads[0]!.say({ type: 'answered', id: threads[1]!.of('call')[0]!.id, answer: 1 });
  threads[1]!.say({ type: 'answered', id: threads[1]!.of('call')[0]!.id, answer: 2 });
  expect(await next).toBe(2);
  expect(client.workerStats).toMatchObject({ done: 1, failed: 2, replaced: 1 });
  expect(logger.messages('warn')).toEqual(['the scheduler thread failed and is being replaced']);
});

test('a thread that hangs is replaced after its deadline, one that answers is not', async () => {
  const { world, threads, connecting } = stage();
  const client = await connecting;
  await world.advance(60_000);
  expect(threads).toHaveLength(1);
  threads[0]!.isHung = true;
  let failure: unknown;
  client.allocId().catch((error: unknown) => {
    failure = error;
  });
  await world.advance(4000);
  expect(threads).toHaveLength(1);
  await world.advance(4000);
  expect(threads).toHaveLength(2);
  expect(threads[0]!.isEnded).toBe(true);
  expect(failure).toMatchObject({ code: 'unavailable' });
});

test('replacements that fail in a row come with growing pauses, and a store that waits for its first gives up', async () => {
  const { world, threads, connecting } = stage(false);
  for (let attempt = 0; attempt < 3; attempt += 1) {
    threads.at(-1)!.events.onEnd(new Error('no such entry'));
    await world.advance(1000);
  }
  await expect(connecting).rejects.toMatchObject({ code: 'unknown', cause: { message: 'no such entry' } });
  expect(threads).toHaveLength(3);

  const later = stage();
  const client = await later.connecting;
  const pauses: number[] = [];
  const pauseOfNext = async (): Promise<number> => {
    const [known, startMs] = [later.threads.length, later.runtime.clock.monotonicMs()];
    later.threads.at(-1)!.events.onEnd(new Error('broken'));
    while (later.threads.length === known) await later.world.advance(10);
    return later.runtime.clock.monotonicMs() - startMs;
  };
  // Each becomes ready and answers its first ping, but none lives for an interval.
  for (let attempt = 0; attempt < 6; attempt += 1) pauses.push(await pauseOfNext());
  expect(Math.max(...pauses)).toBeLessThanOrEqual(1010);
  expect(pauses.at(-1)!).toBeGreaterThan(pauses[0]! * 2);
  await later.world.advance(3000);
  expect(await pauseOfNext()).toBeLessThanOrEqual(110);
  expect(client.workerStats.replaced).toBe(7);
});

test('says that no scheduler is reached, and goes on', async () => {
  const { threads, connecting, unreached } = stage(false);
  const error = { code: 'unavailable', message: 'refused' } as const;
  threads[0]!.say({ type: 'unreached', error });
  threads[0]!.say({ type: 'unreached', error });
  threads[0]!.say({ type: 'ready', clusterId: 77 });
  await connecting;
  expect(unreached()).toBe(2);
});

test('a refusal ends the connecting, and the thread with it', async () => {
  const { threads, connecting } = stage(false);
  threads[0]!.say({ type: 'refused', error: { code: 'invalidArgument', message: 'endpoints: none' } });
  await expect(connecting).rejects.toMatchObject({ code: 'invalidArgument' });
  expect(threads[0]!.isEnded).toBe(true);
});

test('a thread that does not close in time is ended by force, and its calls end as closed', async () => {
  const { world, threads, connecting, logger } = stage();
  const client = await connecting;
  threads[0]!.isHung = true;
  const call = client.allocId();
  let isClosed = false;
  void client.close().then(() => {
    isClosed = true;
  });
  await expect(call).rejects.toMatchObject({ code: 'closed' });
  await world.advance(4000);
  expect(isClosed).toBe(false);
  await world.advance(2000);
  expect(isClosed).toBe(true);
  expect(threads[0]!.isEnded).toBe(true);
  expect(logger.messages('warn')).toContain('the scheduler thread did not close in time and is ended by force');
});

test('lines of the thread are written by the store’s logger', async () => {
  const { threads, connecting, logger } = stage();
  await connecting;
  threads[0]!.say({ type: 'log', level: 'warn', message: 'lost', fields: { endpoint: 'h:1' } });
  await Promise.resolve();
  expect(logger.lines).toMatchObject([{ level: 'warn', message: 'lost', fields: { endpoint: 'h:1' } }]);
});
