import { readFileSync } from 'node:fs';
import { MemoryEngine } from '@flotilla/engine';
import { raft_cmdpb } from '@flotilla/protocol';
import { createSystemRuntime, silentLogger } from '@flotilla/runtime';
import { MockScheduler } from '@flotilla/scheduler-client';
import { expect, it } from 'vitest';
import { MemorySnapshotDirectory, openRaftStore, type Transport } from '../src/index.ts';

it('runs the example of the README', async () => {
  const lines: string[] = [];
  const log = (line: string): void => {
    lines.push(line);
  };
  // README: begin
  const runtime = createSystemRuntime({ logger: silentLogger });
  const scheduler = new MockScheduler(runtime);
  const alone: Transport = { send: () => 'unknownStore', sendSnapshot: () => Promise.reject(new Error('alone')) };
  const store = await openRaftStore({
    runtime,
    kvEngine: new MemoryEngine(),
    raftEngine: new MemoryEngine(),
    transport: alone,
    schedulerClient: scheduler.createClient(),
    storeAddress: '127.0.0.1:7410',
    snapshotDirectory: new MemorySnapshotDirectory(runtime.clock),
    taskWorkers: 'inline',
  });
  const region = scheduler.mustRegion(new Uint8Array(0));
  const header = raft_cmdpb.RaftRequestHeader.create({ regionId: region.id, regionEpoch: region.regionEpoch });
  const run = (request: Partial<raft_cmdpb.Request>) =>
    store.execute(raft_cmdpb.RaftCmdRequest.create({ header, requests: [raft_cmdpb.Request.create(request)] }));

  const key = Buffer.from('ship');
  while (store.metrics().leaders === 0) await runtime.timers.sleep(1);
  await run({ cmdType: raft_cmdpb.CmdType.Put, put: { cf: 'default', key, value: Buffer.from('Endurance') } });
  const { response } = await run({ cmdType: raft_cmdpb.CmdType.Get, get: { cf: 'default', key } });
  log(Buffer.from(response.responses[0]?.get?.value ?? []).toString());
  await store.close();
  // README: end
  expect(lines).toEqual(['Endurance']);
  const source = readFileSync(new URL(import.meta.url), 'utf8');
  const example = /\/\/ README: begin\n([\s\S]*?) {2}\/\/ README: end/.exec(source)?.[1]?.replace(/^ {2}/gm, '');
  expect(readFileSync(new URL('../README.md', import.meta.url), 'utf8')).toContain(example);
});
