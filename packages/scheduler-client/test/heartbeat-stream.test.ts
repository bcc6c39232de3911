import { EventEmitter } from 'node:events';
import { metapb, schedulerpb } from '@flotilla/protocol';
import { createMemoryLogger, SimulatedWorld } from '@flotilla/runtime';
import { beforeEach, expect, test } from 'vitest';
import { testGrpcSchedulerClientConfig } from '../src/grpc-client-config.ts';
import { type HeartbeatConnection, HeartbeatStream } from '../src/heartbeat-stream.ts';

/** The client's side of a stream; what was written is kept. */
class FakeStream extends EventEmitter {
  readonly written: schedulerpb.RegionHeartbeatRequest[] = [];
  /** Messages that it takes before it asks to wait. */
  room = Number.POSITIVE_INFINITY;
  isCancelled = false;

  write(message: schedulerpb.RegionHeartbeatRequest): boolean {
    this.written.push(message);
    this.room -= 1;
    return this.room > 0;
  }

  cancel(): void {
    this.isCancelled = true;
  }

  /** Region ids with the versions that were written. */
  get reports(): string[] {
    return this.written.map(({ region }) => `${region?.id}@${region?.regionEpoch?.version}`);
  }
}

let world: SimulatedWorld;
let logger: ReturnType<typeof createMemoryLogger>;
let streams: FakeStream[];
let answers: schedulerpb.RegionHeartbeatResponse[];
let heartbeats: HeartbeatStream;
let nextRoom: number;

beforeEach(() => {
  world = new SimulatedWorld(3);
  logger = createMemoryLogger();
  streams = [];
  answers = [];
  nextRoom = Number.POSITIVE_INFINITY;
  const connection = {
    endpoint: 'one:1',
    rotate: () => {},
    openStream: () => {
      const stream = new FakeStream();
      stream.room = nextRoom;
      streams.push(stream);
      return stream;
    },
  } as unknown as HeartbeatConnection;
  const runtime = world.createRuntime('node', logger);
  heartbeats = new HeartbeatStream(connection, runtime, testGrpcSchedulerClientConfig, (answer) =>
    answers.push(answer),
  );
});

function send(id: number, version = 1): void {
  const region = metapb.Region.create({ id, regionEpoch: { version, confVer: 1 } });
  heartbeats.send(schedulerpb.RegionHeartbeatRequest.create({ region }));
}

test('no stream is opened before there is something to send', () => {
  expect(streams).toHaveLength(0);
  send(1);
  expect(streams.map((stream) => stream.reports)).toEqual([['1@1']]);
});

test('what waits for a slow stream is the latest of each region, in order, and bounded', () => {
  nextRoom = 1;
  send(50);
  for (const version of [1, 2]) for (let id = 1; id <= 9; id += 1) send(id, version);
  expect(streams[0]?.reports).toEqual(['50@1']);
  expect(heartbeats.counts).toEqual({ sent: 1, dropped: 2, refused: 0 });
  streams[0]!.room = 100;
  streams[0]!.emit('drain');
  expect(streams[0]?.reports.slice(1)).toEqual(['1@2', '2@2', '3@2', '4@2', '5@2', '6@2', '7@2', '8@2']);
});

test('a lost stream is opened again after a pause that grows, told of once, and so is the recovery', async () => {
  send(1);
  for (let round = 0; round < 4; round += 1) {
    const lost = streams.at(-1)!;
    lost.emit('error', new Error('gone'));
    lost.emit('end');
    send(1);
    expect(streams.at(-1)).toBe(lost);
    expect(await world.runUntil(() => streams.at(-1) !== lost, 21)).toBe(true);
  }
  expect(streams.map((stream) => stream.isCancelled)).toEqual([true, true, true, true, false]);
  streams.at(-1)!.emit('data', schedulerpb.RegionHeartbeatResponse.create({ regionId: 1 }));
  expect(answers.map(({ regionId }) => regionId)).toEqual([1]);
  expect(logger.lines.map((line) => line.level)).toEqual(['warn', 'info']);
});

test('without anything to send a lost stream stays closed', async () => {
  send(1);
  streams[0]!.emit('end');
  await world.runUntilIdle();
  expect(streams).toHaveLength(1);
  send(2);
  expect(streams[1]?.reports).toEqual(['2@1']);
});

test('a refused heartbeat is counted and not handed on', () => {
  send(1);
  const error = { type: schedulerpb.ErrorType.UNKNOWN, message: 'staleEpoch' };
  streams[0]!.emit('data', schedulerpb.RegionHeartbeatResponse.create({ header: { clusterId: 1, error } }));
  expect(answers).toEqual([]);
  expect(heartbeats.counts.refused).toBe(1);
});

test('closing ends the stream and what it was waiting for', async () => {
  send(1);
  streams[0]!.emit('end');
  send(2);
  heartbeats.close();
  heartbeats.close();
  await world.runUntilIdle();
  send(3);
  expect(streams).toHaveLength(1);
});
