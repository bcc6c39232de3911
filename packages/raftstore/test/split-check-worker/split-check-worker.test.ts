import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ClassicLevelEngine, dataKey, openClassicLevelEngine } from '@flotilla/engine';
import { createSystemRuntime, silentLogger } from '@flotilla/runtime';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { SplitCheckResult, SplitCheckTask } from '../../src/split-check-worker/message.ts';
import { type SplitCheckWorkerPlace, spawnSplitCheckWorker } from '../../src/split-check-worker/spawn.ts';

const noKey = new Uint8Array(0);
const size: SplitCheckTask = {
  regionId: 7,
  epoch: { confVer: 2, version: 3 },
  startKey: noKey,
  endKey: noKey,
  mode: 'size',
  maxBytes: 310,
  splitBytes: 200,
  maxSplitKeys: 10,
};

/** A task of every mode and what comes back for it: what crosses to the thread and back. */
const tasks: { readonly [Mode in SplitCheckTask['mode']]: SplitCheckTask } = {
  size,
  middle: { ...size, mode: 'middle' },
};
const splitKeys: { readonly [Mode in SplitCheckTask['mode']]: readonly string[] } = {
  // Ten pairs of 50 bytes each, four to a part; with the last two a part is still below the limit.
  size: ['k4'],
  middle: ['k5'],
};

let directory = '';
let engine: ClassicLevelEngine;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'flotilla-split-check-'));
  engine = await openClassicLevelEngine({ path: join(directory, 'kv') });
  const batch = engine.batch();
  for (let number = 0; number < 10; number += 1)
    batch.put(dataKey('default', Buffer.from(`k${number}`)), Buffer.alloc(40));
  // Other column families do not count, nor do keys outside the range.
  batch.put(dataKey('write', Buffer.from('k1')), Buffer.alloc(10_000));
  await engine.write(batch, { sync: true });
});

afterEach(async () => {
  await engine.close();
  await rm(directory, { recursive: true, force: true });
});

async function check(place: SplitCheckWorkerPlace, task: SplitCheckTask): Promise<SplitCheckResult> {
  const { timers } = createSystemRuntime({ logger: silentLogger, seed: 1 });
  let settle: { resolve: (result: SplitCheckResult) => void; reject: (error: unknown) => void } | undefined;
  const result = new Promise<SplitCheckResult>((resolve, reject) => {
    settle = { resolve, reject };
  });
  const worker = spawnSplitCheckWorker(place, {
    name: 'split-check',
    capacity: 4,
    timers,
    logger: silentLogger,
    onResult: (found) => settle?.resolve(found),
    onFailure: (failure) => settle?.reject(failure.cause),
  });
  try {
    expect(worker.schedule(task)).toBe('accepted');
    return await result;
  } finally {
    await worker.close();
  }
}

const places: readonly (readonly [string, () => SplitCheckWorkerPlace])[] = [
  ['in this thread', () => ({ type: 'inline', engine })],
  ['on a thread of its own', () => ({ type: 'thread', kvPath: join(directory, 'kv') })],
];

describe.each(places)('a split check %s', (_name, placeOf) => {
  it.each(Object.values(tasks))('measures a region and names keys: $mode', async (task) => {
    const result = await check(placeOf(), task);
    if (result.type !== 'checked') throw new Error(result.message);
    const { regionId, epoch, mode, bytes, keys } = result;
    expect({ regionId, epoch, mode, bytes, keys }).toEqual({
      regionId: 7,
      epoch: task.epoch,
      mode: task.mode,
      bytes: 500,
      keys: 10,
    });
    expect(result.splitKeys.map((key) => Buffer.from(key).toString())).toEqual(splitKeys[task.mode]);
  });

  it('keeps to its range', async () => {
    const part = { ...size, startKey: Buffer.from('k2'), endKey: Buffer.from('k5') };
    expect(await check(placeOf(), part)).toMatchObject({ bytes: 150, keys: 3, splitKeys: [] });
  });
});
