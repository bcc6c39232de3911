import { readFileSync } from 'node:fs';
import { raft_serverpb } from '@flotilla/protocol';
import { expect, test } from 'vitest';
import { movePeer, regionOn } from './readme-example.ts';

const read = (path: string): string => readFileSync(new URL(path, import.meta.url), 'utf8');

test('the README shows exactly the code that runs here', () => {
  expect(read('../README.md')).toContain(`\`\`\`ts\n${read('./readme-example.ts')}\`\`\``);
});

test('the example does what it says', () => {
  const moved = raft_serverpb.RegionLocalState.decode(movePeer(regionOn([1, 2, 3]), 2, 4));
  expect(moved.region?.peers.map((peer) => [peer.id, peer.storeId])).toEqual([
    [11, 1],
    [12, 4],
    [13, 3],
  ]);
  expect(moved.region?.regionEpoch).toEqual({ confVer: 1, version: 1 });
});
