import type { RawNode } from '@flotilla/raft';
import { createNode, createStorage } from './group.ts';

/** What groups cost that do nothing. */
export interface IdleCost {
  readonly groups: number;
  /** Nanoseconds of one tick of one group. */
  readonly tickNs: number;
  /** Nanoseconds to ask one group whether it has something to do. */
  readonly hasReadyNs: number;
  /** Heap bytes of one node, without its storage. */
  readonly bytesPerGroup: number;
}

const rounds = 50;

/** Makes one node each of `groups` groups, ticks all of them in a loop, and asks each for a Ready. */
export function measureIdle(groups: number): IdleCost {
  const storages = Array.from({ length: groups }, createStorage);
  globalThis.gc?.();
  const before = process.memoryUsage().heapUsed;
  // Elections are beside the point here, so they never come.
  const nodes = storages.map((storage, position) => createNode((position % 3) + 1, storage, 1_000_000));
  globalThis.gc?.();
  const bytesPerGroup = (process.memoryUsage().heapUsed - before) / groups;
  const tickNs = time(nodes, (node) => node.tick());
  let ready = 0;
  const hasReadyNs = time(nodes, (node) => {
    if (node.hasReady()) ready += 1;
  });
  if (ready > 0) throw new Error('an idle group has something to do');
  return { groups, tickNs, hasReadyNs, bytesPerGroup };
}

function time(nodes: readonly RawNode[], action: (node: RawNode) => void): number {
  for (let round = 0; round < 5; round += 1) for (const node of nodes) action(node);
  const startedAt = performance.now();
  for (let round = 0; round < rounds; round += 1) for (const node of nodes) action(node);
  return ((performance.now() - startedAt) * 1e6) / (rounds * nodes.length);
}
