import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createMemoryLogger, createSystemRuntime, silentLogger } from '@flotilla/runtime';
import { expect, onTestFinished, test } from 'vitest';
import { create } from '../../src/index.ts';
import { isEtcdInstalled, startEtcd } from '../etcd/etcd-process.ts';

const runtime = createSystemRuntime({ logger: silentLogger });

test('without any choice a coordinator is a node in this process that keeps its data in memory', async () => {
  await using coordinator = await create({ runtime });
  expect(coordinator.backend.name).toBe('embedded in memory');
  const lock = await coordinator.lock().acquire('job');
  await expect(lock.guardedPut('report', 'done')).resolves.toBeGreaterThan(lock.fencingToken);
});

test('a node inside says nothing at info and above', async () => {
  const logger = createMemoryLogger();
  const coordinator = await create({ runtime: { ...runtime, logger } });
  await coordinator.close();
  expect(logger.messages('info')).toEqual([]);
  expect(logger.messages('debug')).toContain('elected leader');
});

test('with a directory the data are there again after a restart', async () => {
  const dataDirectory = await mkdtemp(join(tmpdir(), 'flotilla-coordinator-'));
  onTestFinished(() => rm(dataDirectory, { recursive: true }));
  const first = await create({ runtime, dataDirectory });
  const { version } = await first.configCenter().set('a', '1');
  await first.close();
  await using second = await create({ runtime, dataDirectory });
  expect(await second.configCenter().get('a')).toMatchObject({ value: '1', version });
});

test('a cluster that cannot be reached is refused in time', async () => {
  const created = create({ runtime, cluster: { schedulers: ['127.0.0.1:1'] }, dialTimeoutMs: 300 });
  await expect(created).rejects.toMatchObject({
    code: 'connection',
    message: expect.stringMatching(/no cluster answered at 127\.0\.0\.1:1 within 300 ms$/),
  });
  await expect(create({ runtime, cluster: { schedulers: [] } })).rejects.toThrow(/^cluster\.schedulers: /);
});

test.skipIf(!isEtcdInstalled())('with endpoints the same program runs on etcd', async () => {
  await using etcd = await startEtcd();
  await using coordinator = await create({ runtime, endpoints: [etcd.endpoint] });
  expect(coordinator.backend.name).toBe(`etcd ${etcd.endpoint}`);
  const lock = await coordinator.lock().acquire('job');
  await expect(lock.guardedPut('report', 'done')).resolves.toBeGreaterThan(lock.fencingToken);
});
