import { readFileSync } from 'node:fs';
import { eraftpb } from '@flotilla/protocol';
import { SimulatedWorld } from '@flotilla/runtime';
import { expect, test } from 'vitest';
import { growRegion } from './readme-example.ts';

const read = (path: string): string => readFileSync(new URL(path, import.meta.url), 'utf8');

test('the README shows exactly the code that runs here', () => {
  expect(read('../README.md')).toContain(`\`\`\`ts\n${read('./readme-example.ts')}\`\`\``);
});

test('it does what the README says', async () => {
  const world = new SimulatedWorld(1);
  const answer = growRegion(world.createRuntime('node 1'));
  await world.runUntilIdle();
  expect(await answer).toMatchObject({
    regionId: 2,
    changePeer: { peer: { id: 4, storeId: 99 }, changeType: eraftpb.ConfChangeType.AddNode },
  });
});
