import { MemoryEngine } from '../src/memory-engine.ts';
import { describeEngine } from './engine-contract.ts';

describeEngine({
  name: 'MemoryEngine',
  open: async () => {
    const engine = new MemoryEngine();
    return { engine, dispose: () => engine.close() };
  },
});
