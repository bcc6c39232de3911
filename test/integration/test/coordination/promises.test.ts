import { SimulatedLink } from '../../../../packages/coordination/test/lock/simulated-link.ts';
import {
  describePromises,
  type PromiseWorld,
} from '../../../../packages/coordination/test/promises/failure-promises.ts';
import { connectProcess, startCoordinationCluster } from './coordination-cluster.ts';

/** Three stores, and processes whose ways to them fail. */
async function openClusterWorld(): Promise<PromiseWorld> {
  const cluster = await startCoordinationCluster(3);
  const network = cluster.world.createRuntime('the network of processes');
  const until: PromiseWorld['until'] = async (condition) => {
    for (let attempt = 0; attempt < 2_000; attempt += 1) {
      if (await cluster.run(Promise.resolve(condition()))) return;
      await cluster.sleep(50);
    }
    throw new Error('it did not come to it');
  };
  return {
    ttlMs: 6_000,
    observer: connectProcess(cluster, 'observer').backend,
    process: async (name) => {
      const { backend: inner, runtime } = connectProcess(cluster, name);
      const link = new SimulatedLink(inner, network, runtime);
      return {
        backend: link.open(),
        runtime,
        cut: () => {
          link.isCut = true;
        },
        loseAnswers: () => {
          link.answersAreLost = true;
        },
        heal: () => {
          link.isCut = false;
          link.answersAreLost = false;
        },
      };
    },
    run: (promise) => cluster.run(promise, 300_000),
    until,
    pass: (ms) => cluster.sleep(ms),
    close: () => cluster.close(),
  };
}

describePromises('over a cluster of three stores', openClusterWorld);
