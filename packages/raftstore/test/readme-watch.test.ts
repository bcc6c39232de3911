import { readFileSync } from 'node:fs';
import { MemoryEngine } from '@flotilla/engine';
import { createSystemRuntime, silentLogger } from '@flotilla/runtime';
import { MockScheduler } from '@flotilla/scheduler-client';
import { expect, it } from 'vitest';
import { MemorySnapshotDirectory, openRaftStore, type Transport } from '../src/index.ts';

it('runs the example of watching a store', async () => {
  const lines: string[] = [];
  const log = (line: string): void => {
    lines.push(line);
  };
  const runtime = createSystemRuntime({ logger: silentLogger });
  const scheduler = new MockScheduler(runtime);
  const transport: Transport = { send: () => 'unknownStore', sendSnapshot: () => Promise.reject(new Error('alone')) };
  const store = await openRaftStore({
    runtime,
    kvEngine: new MemoryEngine(),
    raftEngine: new MemoryEngine(),
    transport,
    schedulerClient: scheduler.createClient(),
    storeAddress: '127.0.0.1:7410',
    snapshotDirectory: new MemorySnapshotDirectory(runtime.clock),
    taskWorkers: 'inline',
  });
  const regionId = scheduler.mustRegion(new Uint8Array(0)).id;
  while (store.metrics().leaders === 0) await runtime.timers.sleep(1);

  // README: begin
  store.health.subscribe(({ status }) => log(status));
  store.splits.subscribe((splits) => log(splits.map(({ parts }) => `split into ${parts.length}`).join()));
  store.leadershipChanges.subscribe((changes) => {
    for (const change of changes) if (change.isLocal) log('leads another region');
  });
  await store.splitRegion({ regionId, regionEpoch: undefined, splitKeys: [Buffer.from('m')] });
  while (store.metrics().leaders < 2) await runtime.timers.sleep(1);
  const { proposeToApply, logWrite, workers } = store.metrics();
  log(`${logWrite.count > 0 && proposeToApply.p99Ms <= proposeToApply.maxMs}, ${workers['region']?.failed} failed`);
  await store.close();
  // README: end
  expect(lines).toEqual(['serving', 'split into 2', 'leads another region', 'true, 0 failed', 'closing', 'closed']);
  const source = readFileSync(new URL(import.meta.url), 'utf8');
  const example = /\/\/ README: begin\n([\s\S]*?) {2}\/\/ README: end/.exec(source)?.[1]?.replace(/^ {2}/gm, '');
  expect(readFileSync(new URL('../README.md', import.meta.url), 'utf8')).toContain(example);
});
