import { createSystemRuntime, silentLogger } from '@flotilla/runtime';
import { afterAll } from 'vitest';
import { type CoordinationBackend, openEmbeddedCoordination } from '../../src/index.ts';
import { describeConfigCenter } from './config-center-suite.ts';

const { clock } = createSystemRuntime({ logger: silentLogger });
let backend: Promise<CoordinationBackend> | undefined;
let opened = 0;

afterAll(async () => {
  await (await backend)?.close();
});

describeConfigCenter('a node in this process', async () => {
  backend ??= openEmbeddedCoordination({ memory: true });
  let skewMs = 0;
  opened += 1;
  return {
    backend: await backend,
    clock: { monotonicMs: clock.monotonicMs, wallMs: () => clock.wallMs() + skewMs },
    // Each test has keys of its own.
    keyPrefix: `/config-${opened}`,
    passTime: async () => {
      skewMs += 5;
    },
    close: async () => {},
  };
});
