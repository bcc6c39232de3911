import { expect, it } from 'vitest';
import { parseClusterOptions, UsageError } from '../../src/cluster/options.ts';

it('measures everything unless told otherwise', () => {
  expect(parseClusterOptions([])).toMatchObject({
    rounds: 5,
    clients: [1, 100, 1_000],
    systems: ['etcd', 'grpc', 'embedded'],
    operations: ['put', 'get'],
    valueBytes: 256,
    isJson: false,
  });
});

it('takes what it is told', () => {
  const args = ['--rounds', '3', '--seconds=0.5', '--clients', '1,8', '--only', 'embedded,etcd,put', '--json'];
  expect(parseClusterOptions(args)).toMatchObject({
    rounds: 3,
    seconds: 0.5,
    clients: [1, 8],
    systems: ['etcd', 'embedded'],
    operations: ['put'],
    isJson: true,
  });
});

it.each([
  [['--rounds', '0'], '--rounds'],
  [['--rounds', 'two'], '--rounds'],
  [['--seconds', '-1'], '--seconds'],
  [['--clients', '1,x'], '--clients'],
  [['--only', 'redis'], '--only: redis'],
  [['--speed'], '--speed'],
  [['raft'], 'raft'],
])('refuses %j, naming it', (args, name) => {
  expect(() => parseClusterOptions(args)).toThrow(UsageError);
  expect(() => parseClusterOptions(args)).toThrow(name);
});
