import { createSystemRuntime, silentLogger, systemClock } from '@flotilla/runtime';
import { afterAll, describe } from 'vitest';
import { openEtcdBackend } from '../../src/index.ts';
import { type EtcdProcess, isEtcdInstalled, startEtcd } from '../etcd/etcd-process.ts';
import { describeConfigCenter } from './config-center-suite.ts';

describe.skipIf(!isEtcdInstalled())('with etcd', () => {
  let etcd: Promise<EtcdProcess> | undefined;
  let opened = 0;

  afterAll(async () => {
    await (await etcd)?.stop();
  });

  describeConfigCenter('etcd', async () => {
    etcd ??= startEtcd();
    const { endpoint } = await etcd;
    const backend = openEtcdBackend({
      endpoints: [endpoint],
      runtime: createSystemRuntime({ logger: silentLogger }),
    });
    let skewMs = 0;
    opened += 1;
    return {
      backend,
      clock: { monotonicMs: systemClock.monotonicMs, wallMs: () => systemClock.wallMs() + skewMs },
      // Each test has keys of its own.
      keyPrefix: `/config-${opened}`,
      passTime: async () => {
        skewMs += 5;
      },
      close: () => backend.close(),
    };
  });
});
