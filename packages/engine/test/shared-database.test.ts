import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import { Worker } from 'node:worker_threads';
import { expect, test } from 'vitest';
import { openClassicLevelEngine } from '../src/classic-level-engine.ts';
import { makeTemporaryDirectory } from './temporary-directory.ts';

test('threads of one process have the database open together; one that ends leaves the others whole', async () => {
  const path = await makeTemporaryDirectory();
  const engine = await openClassicLevelEngine({ path });
  try {
    for (const end of ['close', 'exit'] as const) {
      const worker = new Worker(new URL('./write-in-thread.mjs', import.meta.url), {
        workerData: { path, key: end, end },
        execArgv: [],
      });
      const [code] = (await once(worker, 'exit')) as [number];
      expect(code).toBe(0);
      expect(Buffer.from(engine.getSync(Buffer.from(end)) ?? []).toString()).toBe('from a thread');
      const batch = engine.batch();
      batch.put(Buffer.from(`after ${end}`), Buffer.from('here'));
      await engine.write(batch, { sync: true });
    }
    expect(await engine.scan({ start: Buffer.from('a') })).toHaveLength(4);
  } finally {
    await engine.close();
    await rm(path, { recursive: true, force: true });
  }
});
