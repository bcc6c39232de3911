import { createSystemRuntime, silentLogger } from '@flotilla/runtime';
import { afterAll, beforeAll, describe } from 'vitest';
import { openEtcdBackend } from '../../src/index.ts';
import { type EtcdProcess, isEtcdInstalled, startEtcd } from '../etcd/etcd-process.ts';
import { runCompliance } from './run-compliance.ts';

describe.skipIf(!isEtcdInstalled())('a real etcd', () => {
  let etcd: EtcdProcess;

  beforeAll(async () => {
    etcd = await startEtcd();
  });

  afterAll(() => etcd.stop());

  runCompliance(() => ({
    open: () => openEtcdBackend({ endpoints: [etcd.endpoint], runtime: createSystemRuntime({ logger: silentLogger }) }),
  }));
});
