import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { metapb, schedulerpb } from '@flotilla/protocol';
import { afterAll, describe, expect, it } from 'vitest';
import { defaultGrpcSchedulerClientConfig } from '../../src/grpc-client-config.ts';
import type {
  FromSchedulerThread,
  SchedulerAnswers,
  SchedulerCall,
  SchedulerThreadData,
  ToSchedulerThread,
} from '../../src/scheduler-thread/message.ts';
import { withOwnBytes } from '../../src/scheduler-thread/own-bytes.ts';

/** One sample of each member of a union: a member without one, or with one that lacks a field, does not compile. */
type Samples<Message extends { readonly type: string }> = {
  readonly [Type in Message['type']]: Required<Extract<Message, { readonly type: Type }>>;
};

const store = metapb.Store.create({ id: 9, address: '127.0.0.1:1' });
const leader = metapb.Peer.create({ id: 8, storeId: 9 });
const region = metapb.Region.create({
  id: 7,
  startKey: Buffer.from('a'),
  endKey: new Uint8Array([0, 255]),
  regionEpoch: { confVer: 2, version: Number.MAX_SAFE_INTEGER },
  peers: [leader],
});
const stats = schedulerpb.StoreStats.create({ storeId: 9, capacity: 2 ** 50 });
const heartbeat = schedulerpb.RegionHeartbeatRequest.create({ region, leader, term: 5, approximateSize: 2 ** 40 });
const response = schedulerpb.RegionHeartbeatResponse.create({
  regionId: 7,
  splitRegion: { keys: [Buffer.from('m')] },
  transferLeader: { peer: leader },
});
const split = schedulerpb.AskSplitResponse.create({ ids: [{ newRegionId: 3, newPeerIds: [4, 5] }] });
const error = { code: 'regionNotFound', message: 'gone' } as const;

const calls: Samples<SchedulerCall> = {
  bootstrap: { type: 'bootstrap', store, region },
  isBootstrapped: { type: 'isBootstrapped' },
  allocId: { type: 'allocId' },
  putStore: { type: 'putStore', store },
  getStore: { type: 'getStore', storeId: 9 },
  getAllStores: { type: 'getAllStores' },
  getRegion: { type: 'getRegion', key: Buffer.from('k') },
  getRegionById: { type: 'getRegionById', regionId: 7 },
  scanRegions: { type: 'scanRegions', startKey: new Uint8Array(0), endKey: Buffer.from('z'), limit: 10 },
  askSplit: { type: 'askSplit', region, count: 2 },
  reportSplit: { type: 'reportSplit', regions: [region, region] },
  storeHeartbeat: { type: 'storeHeartbeat', stats },
};
const answers: { readonly [Type in SchedulerCall['type']]: SchedulerAnswers[Type] } = {
  bootstrap: 'alreadyBootstrapped',
  isBootstrapped: true,
  allocId: 2 ** 50,
  putStore: undefined,
  getStore: store,
  getAllStores: [store],
  getRegion: { region, leader },
  getRegionById: { region, leader: undefined },
  scanRegions: [{ region, leader }],
  askSplit: split,
  reportSplit: undefined,
  storeHeartbeat: undefined,
};
const toThread: Samples<ToSchedulerThread> = {
  call: { type: 'call', id: 1, call: calls.getRegion },
  cancel: { type: 'cancel', id: 1 },
  heartbeats: { type: 'heartbeats', heartbeats: [heartbeat] },
  ping: { type: 'ping' },
  close: { type: 'close' },
};
const fromThread: Samples<FromSchedulerThread> = {
  ready: { type: 'ready', clusterId: 2 ** 52 },
  unreached: { type: 'unreached', error },
  refused: { type: 'refused', error },
  answered: { type: 'answered', id: 1, answer: answers.getRegion },
  failed: { type: 'failed', id: 1, error },
  taken: { type: 'taken' },
  responses: { type: 'responses', responses: [response] },
  log: { type: 'log', level: 'warn', message: 'lost', fields: { reason: 'x', failures: 2, isFinal: false } },
  pong: { type: 'pong' },
  closed: { type: 'closed' },
};
const threadData: Required<SchedulerThreadData> = {
  endpoints: ['127.0.0.1:1'],
  config: defaultGrpcSchedulerClientConfig,
  clusterId: 77,
  logLevel: 'info',
};

const echo = new Worker(
  "const { parentPort } = require('node:worker_threads'); parentPort.on('message', (it) => parentPort.postMessage(it));",
  { eval: true, execArgv: [] },
);
afterAll(() => echo.terminate());

async function thereAndBack(sample: unknown): Promise<unknown> {
  echo.postMessage(sample);
  const [arrived] = await once(echo, 'message');
  return arrived;
}

describe('every message that crosses the scheduler thread', () => {
  const all: readonly (readonly [string, unknown])[] = [
    ...Object.entries(calls).map(([type, call]) => [`call ${type}`, call] as const),
    ...Object.entries(answers).map(([type, answer]) => [`answer to ${type}`, answer] as const),
    ...Object.entries(toThread).map(([type, message]) => [`to the thread: ${type}`, message] as const),
    ...Object.entries(fromThread).map(([type, message]) => [`from the thread: ${type}`, message] as const),
    ['thread data', threadData],
  ];
  it.each(all)('arrives as it left: %s', async (_name, sample) => {
    // Buffers arrive as plain byte arrays; their bytes are what counts.
    expect(bytesOf(await thereAndBack(withOwnBytes(sample)))).toEqual(bytesOf(sample));
  });

  it('carries no bytes but its own', () => {
    const pooled = Buffer.from('key');
    expect(pooled.buffer.byteLength).toBeGreaterThan(3);
    const { key } = structuredClone(withOwnBytes({ key: pooled, peers: [leader] }));
    expect(key.buffer.byteLength).toBe(3);
    expect(Buffer.from(key).toString()).toBe('key');
  });
});

function bytesOf(value: unknown): unknown {
  if (value instanceof Uint8Array) return Array.from(value);
  if (Array.isArray(value)) return value.map(bytesOf);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, field]) => [name, bytesOf(field)]));
}
