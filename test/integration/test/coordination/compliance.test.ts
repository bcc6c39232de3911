import type { CoordinationBackend } from '@flotilla/coordination';
import { coordinationCompliance } from '@flotilla/coordination/compliance';
import type { TestCluster } from '@flotilla/test-harness';
import { afterAll, afterEach, beforeAll, describe, test } from 'vitest';
import { openClusterBackend, startCoordinationCluster } from './cluster-backend.ts';

describe('the coordination of three stores', () => {
  let cluster: TestCluster;
  let count = 0;
  const opened: CoordinationBackend[] = [];

  beforeAll(async () => {
    cluster = await startCoordinationCluster();
  });

  afterEach(async () => {
    await cluster.run(Promise.all(opened.splice(0).map((backend) => backend.close())));
  });

  afterAll(() => cluster.close());

  const harness = {
    open: async () => {
      count += 1;
      const backend = openClusterBackend(cluster, `backend-${count}`);
      opened.push(backend);
      return backend;
    },
    sleep: (milliseconds: number, signal?: AbortSignal) => cluster.clock.timers.sleep(milliseconds, signal),
  };

  for (const [part, cases] of Object.entries(coordinationCompliance)) {
    describe(part, () => {
      for (const each of cases) test(each.name, () => cluster.run(each.run(harness)));
    });
  }
});
