import { createSystemRuntime, silentLogger } from '@flotilla/runtime';
import { afterAll, beforeAll, describe } from 'vitest';
import { DirectMachine } from '../machine/direct-machine.ts';
import { runCompliance } from './run-compliance.ts';

describe('a machine without raft', () => {
  let machine: DirectMachine;

  beforeAll(async () => {
    machine = await DirectMachine.open({ runtime: createSystemRuntime({ logger: silentLogger }) });
  });

  afterAll(() => machine.close());

  runCompliance(() => ({ open: () => machine.connect() }));
});
