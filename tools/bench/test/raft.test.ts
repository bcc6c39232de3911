import { expect, it } from 'vitest';
import { BenchGroup } from '../src/raft/group.ts';
import { measureIdle } from '../src/raft/idle.ts';
import { measureThroughput } from '../src/raft/throughput.ts';

it('the group of the benchmark commits and applies what it is given, on all nodes', () => {
  const group = new BenchGroup();
  const before = group.applied;
  for (let count = 0; count < 10; count += 1) group.leader.propose(Uint8Array.of(count));
  group.settle();
  expect(group.applied - before).toBe(30);
  group.compact();
  group.leader.propose(Uint8Array.of(1));
  group.settle();
  expect(group.applied - before).toBe(33);
});

it('what is measured is measured', () => {
  expect(measureThroughput(16, 160).proposalsPerSecond).toBeGreaterThan(0);
  expect(measureIdle(10).groups).toBe(10);
});
