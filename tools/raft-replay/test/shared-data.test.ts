import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { findScenarios } from '../src/find-scenarios.ts';
import { replayScenario } from '../src/replay.ts';

// Reference data that is kept beside the checkout, not in it.
const folder = fileURLToPath(new URL('../../../../shared/conformance/raft', import.meta.url));
const isPresent = existsSync(folder);

test.skipIf(!isPresent)('the reference data beside the checkout replays without a difference', async () => {
  const scenarios = await findScenarios([folder]);
  expect(scenarios.length).toBeGreaterThan(0);
  for (const { path, kind } of scenarios) {
    expect(replayScenario(kind, await readFile(path, 'utf8')), path).toBeUndefined();
  }
});
