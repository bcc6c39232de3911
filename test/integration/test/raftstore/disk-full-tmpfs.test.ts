import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openClassicLevelEngine } from '@flotilla/engine';
import { openRaftStore, type RaftStore, type Transport } from '@flotilla/raftstore';
import { createSystemRuntime, silentLogger } from '@flotilla/runtime';
import { MockScheduler } from '@flotilla/scheduler-client';
import { errorOf, getCommand, headerOf, putCommand } from '@flotilla/test-harness';
import { afterAll, describe, expect, it } from 'vitest';

const mib = 1024 * 1024;
const mountPoint = mkdtempSync(join(tmpdir(), 'flotilla-small-disk-'));
const isMounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=96m', 'tmpfs', mountPoint]).status === 0;
if (!isMounted) process.stderr.write('skipped: a small file system cannot be mounted without being root\n');

afterAll(() => {
  if (isMounted) spawnSync('umount', [mountPoint]);
  rmSync(mountPoint, { recursive: true, force: true });
});

const runtime = createSystemRuntime({ logger: silentLogger, seed: 1 });
const alone: Transport = { send: () => 'unknownStore', sendSnapshot: () => Promise.reject(new Error('alone')) };

describe.runIf(isMounted)('a store on a small file system', () => {
  it('turns read-only before it is full, and back when something is removed', async () => {
    const scheduler = new MockScheduler(runtime);
    const kvEngine = await openClassicLevelEngine({ path: join(mountPoint, 'kv') });
    const raftEngine = await openClassicLevelEngine({ path: join(mountPoint, 'raft') });
    const ballast = join(mountPoint, 'ballast');
    writeFileSync(ballast, Buffer.alloc(30 * mib));
    let store: RaftStore | undefined;
    let fatal: unknown;
    try {
      store = await openRaftStore({
        runtime,
        config: { tickIntervalMs: 10, minFreeDiskBytes: 32 * mib, diskCheckIntervalMs: 10 },
        kvEngine,
        raftEngine,
        transport: alone,
        schedulerClient: scheduler.createClient(),
        storeAddress: '127.0.0.1:1',
        snapshotDirectory: join(mountPoint, 'snapshots'),
        taskWorkers: 'inline',
        onFatal: (error) => {
          fatal = error;
        },
      });
      const running = store;
      while (running.metrics().leaders === 0) await runtime.timers.sleep(5);
      const header = () => headerOf(scheduler.mustRegion(new Uint8Array(0)));
      const put = async (key: string) =>
        errorOf(await running.execute(putCommand(header(), key, Buffer.alloc(64 * 1024, key))));
      let written = 0;
      let error = await put('key 0');
      for (; error === undefined; written += 1) {
        await runtime.timers.sleep(2);
        error = await put(`key ${written + 1}`);
      }
      expect(error.serverIsBusy?.reason).toBe('disk full');
      expect(written).toBeGreaterThan(0);
      const read = await running.execute(getCommand(header(), 'key 0'));
      expect(read.response.responses[0]?.get?.value).toHaveLength(64 * 1024);
      rmSync(ballast);
      while ((await put('after')) !== undefined) await runtime.timers.sleep(5);
      expect(fatal).toBeUndefined();
    } finally {
      await store?.close();
      await kvEngine.close();
      await raftEngine.close();
    }
  });
});
