import { createSystemRuntime, silentLogger } from '@flotilla/runtime';
import { describe, it } from 'vitest';
import { type CoordinationBackend, openEtcdBackend } from '../../src/index.ts';
import { isEtcdInstalled, startEtcd } from '../etcd/etcd-process.ts';
import { eventually } from '../etcd/eventually.ts';
import { TcpProxy } from '../etcd/tcp-proxy.ts';
import { describePromises, type PromiseWorld } from './failure-promises.ts';

const longMs = 60_000;

/** An etcd of its own, and processes that reach it through proxies. */
async function openEtcdWorld(): Promise<PromiseWorld> {
  const etcd = await startEtcd();
  const proxies: TcpProxy[] = [];
  const backends: CoordinationBackend[] = [];
  const connect = (endpoint: string) => {
    const runtime = createSystemRuntime({ logger: silentLogger });
    const backend = openEtcdBackend({ endpoints: [endpoint], runtime });
    backends.push(backend);
    return { backend, runtime };
  };
  const observer = connect(etcd.endpoint);
  return {
    ttlMs: 3_000,
    observer: observer.backend,
    process: async () => {
      const proxy = await TcpProxy.open(etcd.endpoint);
      proxies.push(proxy);
      return {
        ...connect(proxy.endpoint),
        cut: () => {
          proxy.mode = 'silent';
        },
        loseAnswers: () => {
          proxy.mode = 'deaf';
        },
        heal: () => {
          proxy.mode = 'open';
          proxy.cut();
        },
      };
    },
    run: (promise) => promise,
    until: (condition) =>
      eventually(async () => {
        if (!(await condition())) throw new Error('it did not come to it');
      }, longMs),
    pass: (ms) => observer.runtime.timers.sleep(ms),
    close: async () => {
      for (const proxy of proxies) proxy.mode = 'open';
      for (const backend of backends) await backend.close();
      for (const proxy of proxies) await proxy.close();
      await etcd.stop();
    },
  };
}

describe.skipIf(!isEtcdInstalled())('etcd', () => {
  describePromises('over a real etcd', openEtcdWorld);
});

if (!isEtcdInstalled()) it.skip('etcd is not installed: the promises are not shown over it', () => {});
