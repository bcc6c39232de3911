import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createMachineClient } from '@flotilla/client';
import { createSystemRuntime, silentLogger } from '@flotilla/runtime';
import { afterAll, beforeAll, describe } from 'vitest';
import { ClientChannel } from '../../src/embedded/client-channel.ts';
import { type LocalNode, openLocalNode } from '../../src/embedded/local-node.ts';
import { createCoordinationMachine, MachineBackend } from '../../src/index.ts';
import { machineRange } from '../../src/machine/record-key.ts';
import { runCompliance } from './run-compliance.ts';

const runtime = createSystemRuntime({ logger: silentLogger });

describe.each(['memory', 'a directory'])('an embedded node in %s', (place) => {
  let node: LocalNode;
  let dataDirectory: string | undefined;

  beforeAll(async () => {
    if (place !== 'memory') dataDirectory = await mkdtemp(join(tmpdir(), 'flotilla-coordination-'));
    node = await openLocalNode({ runtime, dataDirectory, machines: [createCoordinationMachine()] });
  });

  afterAll(async () => {
    await node.close();
    if (dataDirectory !== undefined) await rm(dataDirectory, { recursive: true });
  });

  runCompliance(() => ({
    open: () => {
      const { localStore, schedulerClient } = node;
      const client = createMachineClient({ key: machineRange.start, schedulerClient, runtime, localStore });
      const channel = new ClientChannel(client, async () => {});
      return new MachineBackend(channel, { name: `embedded in ${place}`, location: { type: 'here' }, runtime });
    },
  }));
});
