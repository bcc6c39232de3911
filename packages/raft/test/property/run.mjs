// `npm run raft:property -- --runs N --seed S`: the property test of the raft core with more runs, or another seed. A
// failure prints the seed and the path that replay it.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '10000' },
    seed: { type: 'string', default: '1' },
    path: { type: 'string' },
  },
});
const { status } = spawnSync(
  process.execPath,
  [
    fileURLToPath(new URL('../../../../node_modules/vitest/vitest.mjs', import.meta.url)),
    'run',
    '--config',
    '../../vitest.config.ts',
    '--root',
    '.',
    'test/property/safety.test.ts',
  ],
  {
    cwd: fileURLToPath(new URL('../..', import.meta.url)),
    stdio: 'inherit',
    env: {
      ...process.env,
      RAFT_PROPERTY_RUNS: values.runs,
      RAFT_PROPERTY_SEED: values.seed,
      ...(values.path === undefined ? {} : { RAFT_PROPERTY_PATH: values.path }),
    },
  },
);
process.exitCode = status ?? 1;
