import { readFile } from 'node:fs/promises';
import { relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { findScenarios } from '../src/find-scenarios.ts';
import { replayScenario } from '../src/replay.ts';

const folder = fileURLToPath(new URL('../../../packages/raft/testdata', import.meta.url));
const scenarios = await findScenarios([folder]);

test.each(scenarios.map(({ path, kind }) => ({ name: relative(folder, path), path, kind })))(
  '$name replays without a difference',
  async ({ path, kind }) => {
    expect(replayScenario(kind, await readFile(path, 'utf8'))).toBeUndefined();
  },
);
