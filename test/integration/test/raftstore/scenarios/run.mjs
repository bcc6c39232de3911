// `npm run scenarios -- [--repeat N] [--seed S] [--only NAME,NAME] [--quick]`: the rows of the scenario matrix, each from N
// seeds on. A row that fails prints the seed and the command that replays it.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const { values } = parseArgs({
  options: {
    repeat: { type: 'string', default: '1' },
    seed: { type: 'string', default: '1' },
    only: { type: 'string' },
    quick: { type: 'boolean', default: false },
  },
});
const root = fileURLToPath(new URL('../../../../..', import.meta.url));
const { status } = spawnSync(
  process.execPath,
  [
    `${root}node_modules/vitest/vitest.mjs`,
    'run',
    '--config',
    '../../vitest.config.ts',
    '--root',
    '.',
    '--reporter=verbose',
    'scenarios.test',
  ],
  {
    cwd: `${root}test/integration`,
    stdio: 'inherit',
    env: {
      ...process.env,
      FLOTILLA_SCENARIO_REPEAT: values.repeat,
      FLOTILLA_SCENARIO_SEED: values.seed,
      ...(values.only === undefined ? {} : { FLOTILLA_SCENARIO_ONLY: values.only }),
      ...(values.quick ? {} : { FLOTILLA_SCENARIO_FULL: '1' }),
    },
  },
);
process.exitCode = status ?? 1;
