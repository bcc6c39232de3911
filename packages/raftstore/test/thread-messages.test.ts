import { Worker } from 'node:worker_threads';
import { metapb } from '@flotilla/protocol';
import { afterAll, describe, expect, it } from 'vitest';
import type { LogGcResult, LogGcTask } from '../src/log-gc-worker/message.ts';
import type { RegionTask, RegionTaskResult } from '../src/region-worker/message.ts';
import type { SplitCheckResult, SplitCheckTask } from '../src/split-check-worker/message.ts';

/** One sample of each member of a union: a member without one, or with one that lacks a field, does not compile. */
type Samples<Message extends { readonly type: string }> = {
  readonly [Type in Message['type']]: Required<Extract<Message, { readonly type: Type }>>;
};

const region = metapb.Region.create({
  id: 7,
  startKey: Buffer.from('a'),
  endKey: new Uint8Array([0, 255]),
  regionEpoch: { confVer: 2, version: 3 },
  peers: [metapb.Peer.create({ id: 8, storeId: 9 })],
});
const regionId = 7;
const epoch = { confVer: 2, version: 3 };
const [startKey, endKey] = [new Uint8Array([1]), new Uint8Array(0)];
const code = 'checksumMismatch';
const message = 'not what was sent';
const meta = { cfFiles: [{ cf: 'write', size: 2 ** 40, checksum: 0xffffffff }] };

const regionTasks: Samples<RegionTask> = {
  generate: { type: 'generate', regionId },
  apply: { type: 'apply', regionId, region, index: Number.MAX_SAFE_INTEGER, term: 5 },
  destroy: { type: 'destroy', regionId, startKey, endKey },
};
const regionResults: Samples<RegionTaskResult> = {
  generated: { type: 'generated', regionId, region, index: 6, term: 5, meta, totalBytes: 2 ** 40 },
  applied: { type: 'applied', regionId, index: 6, term: 5 },
  damaged: { type: 'damaged', regionId, index: 6, term: 5, code, message },
  destroyed: { type: 'destroyed', regionId },
  failed: { type: 'failed', regionId, task: 'apply', code, message },
};
const splitCheckResults: Samples<SplitCheckResult> = {
  checked: { type: 'checked', regionId, epoch, mode: 'size', bytes: 9, keys: 2, splitKeys: [new Uint8Array([3])] },
  failed: { type: 'failed', regionId, mode: 'middle', code, message },
};
const splitCheckTask: Required<SplitCheckTask> = {
  regionId,
  epoch,
  startKey,
  endKey,
  mode: 'middle',
  maxBytes: 3,
  splitBytes: 2,
  maxSplitKeys: 1,
};
const logGcTask: Required<LogGcTask> = { regionId, startIndex: 0, endIndex: 2 ** 50 };
const logGcResult: Required<LogGcResult> = { regionId, endIndex: 2 ** 50, collected: 3 };

const echo = new Worker(
  "const { parentPort } = require('node:worker_threads'); parentPort.on('message', (it) => parentPort.postMessage(it));",
  {
    eval: true,
    execArgv: [],
  },
);
afterAll(() => echo.terminate());

function thereAndBack(sample: unknown): Promise<unknown> {
  return new Promise((resolve, reject) => {
    echo.once('message', resolve);
    echo.once('messageerror', reject);
    echo.postMessage(sample);
  });
}

describe('every message that crosses a thread', () => {
  const all: readonly (readonly [string, object])[] = [
    ...Object.values(regionTasks).map((task) => [`region task ${task.type}`, task] as const),
    ...Object.values(regionResults).map((result) => [`region result ${result.type}`, result] as const),
    ...Object.values(splitCheckResults).map((result) => [`split check result ${result.type}`, result] as const),
    ['split check task', splitCheckTask],
    ['log GC task', logGcTask],
    ['log GC result', logGcResult],
  ];
  it.each(all)('arrives as it left: %s', async (_name, sample) => {
    // Buffers arrive as plain byte arrays; their bytes are what counts.
    expect(bytesOf(await thereAndBack(sample))).toEqual(bytesOf(sample));
  });
});

function bytesOf(value: unknown): unknown {
  if (value instanceof Uint8Array) return Array.from(value);
  if (Array.isArray(value)) return value.map(bytesOf);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, field]) => [name, bytesOf(field)]));
}
