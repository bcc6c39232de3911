import { createSystemRuntime, silentLogger } from '@flotilla/runtime';
import { schedulerClientCompliance } from '@flotilla/scheduler-client/compliance';
import { describe, expect, test } from 'vitest';
import { LocalSchedulerClient } from '../src/local-scheduler-client.ts';
import { openCore } from './fixtures.ts';

describe('LocalSchedulerClient as a SchedulerClient', () => {
  for (const { name, run } of schedulerClientCompliance) {
    test(name, async () => {
      const runtime = createSystemRuntime({ logger: silentLogger, seed: 1 });
      const { core } = await openCore(runtime);
      await run({
        connect: async () => new LocalSchedulerClient(core, runtime.timers),
        order: async (regionId, ...steps) => expect(await core.addOperator(regionId, ...steps)).toBe('accepted'),
      });
      await core.close();
    });
  }
});
