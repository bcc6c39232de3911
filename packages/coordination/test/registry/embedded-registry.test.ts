import { createSystemRuntime, silentLogger } from '@flotilla/runtime';
import { describe } from 'vitest';
import { openEmbeddedCoordination } from '../../src/index.ts';
import { DistantBackend } from './distant-backend.ts';
import { testRegistry } from './registry-suite.ts';

describe('the registry over a node in this process, in memory', () => {
  testRegistry(async () => {
    const runtime = createSystemRuntime({ logger: silentLogger });
    const backend = await openEmbeddedCoordination({ memory: true, runtime });
    return { connect: async () => new DistantBackend(backend, runtime), close: () => backend.close() };
  });
});
