import { createSystemRuntime, silentLogger } from '@flotilla/runtime';
import { DirectMachine } from '../machine/direct-machine.ts';
import { describeConfigCenter } from './config-center-suite.ts';

describeConfigCenter('the coordination machine', async () => {
  const system = createSystemRuntime({ logger: silentLogger });
  let skewMs = 0;
  const clock = { monotonicMs: system.clock.monotonicMs, wallMs: () => system.clock.wallMs() + skewMs };
  const runtime = { ...system, clock };
  const machine = await DirectMachine.open({ runtime });
  const backend = machine.connect();
  return {
    backend,
    clock,
    keyPrefix: '/config',
    passTime: async () => {
      skewMs += 5;
    },
    close: async () => {
      await backend.close();
      machine.close();
    },
  };
});
