import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openClassicLevelEngine } from '../src/classic-level-engine.ts';
import { describeEngine } from './engine-contract.ts';

describeEngine({
  name: 'ClassicLevelEngine',
  open: async () => {
    const path = await mkdtemp(join(tmpdir(), 'flotilla-engine-'));
    const engine = await openClassicLevelEngine({ path });
    return {
      engine,
      dispose: async () => {
        await engine.close();
        await rm(path, { recursive: true, force: true });
      },
    };
  },
});
