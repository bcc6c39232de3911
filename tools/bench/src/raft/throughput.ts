import { BenchGroup } from './group.ts';

/** How fast three nodes commit proposals. */
export interface Throughput {
  readonly batch: number;
  readonly proposalsPerSecond: number;
  /** Heap bytes that all three nodes together allocate for one proposal; undefined when a collection came between. */
  readonly bytesPerProposal: number | undefined;
}

const payload = new Uint8Array(128);
const compactEvery = 4096;

/** Proposes `total` entries, `batch` at a time, each batch committed by all before the next. */
export function measureThroughput(batch: number, total: number): Throughput {
  const group = new BenchGroup();
  run(group, batch, Math.min(total, 50_000));
  const startedAt = performance.now();
  run(group, batch, total);
  const seconds = (performance.now() - startedAt) / 1000;
  return { batch, proposalsPerSecond: total / seconds, bytesPerProposal: measureBytes(group, batch) };
}

/** Allocated bytes are the growth of the heap, provided that nothing is collected meanwhile: hence the large nursery. */
function measureBytes(group: BenchGroup, batch: number): number | undefined {
  const count = Math.ceil(4096 / batch) * batch;
  globalThis.gc?.();
  const before = process.memoryUsage().heapUsed;
  for (let proposed = 0; proposed < count; proposed += batch) runBatch(group, batch);
  const growth = process.memoryUsage().heapUsed - before;
  return growth > 0 ? growth / count : undefined;
}

function run(group: BenchGroup, batch: number, total: number): void {
  for (let proposed = 0; proposed < total; proposed += batch) {
    runBatch(group, batch);
    if (proposed % compactEvery < batch) group.compact();
  }
}

function runBatch(group: BenchGroup, batch: number): void {
  const before = group.applied;
  for (let count = 0; count < batch; count += 1) group.leader.propose(payload);
  group.settle();
  if (group.applied - before !== 3 * batch) throw new Error('a proposal was not applied by all nodes');
}
