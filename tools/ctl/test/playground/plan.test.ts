import { existsSync } from 'node:fs';
import { expect, test } from 'vitest';
import { CommandError } from '../../src/command-context.ts';
import { findCommand, planPlayground } from '../../src/playground/plan.ts';

test('lays out ports and directories that do not clash', () => {
  const { scheduler, nodes } = planPlayground({ dataDir: 'd', basePort: 8_000, nodes: 3, logLevel: 'info' });
  expect(scheduler.commandLine).toMatch(
    /^npx flotilla-scheduler --data-dir d\/scheduler --listen 127\.0\.0\.1:8000 --http 127\.0\.0\.1:8001 /,
  );
  expect(nodes.map(({ name, address, readyUrl }) => [name, address, readyUrl])).toEqual([
    ['node-1', '127.0.0.1:8010', 'http://127.0.0.1:8011/readyz'],
    ['node-2', '127.0.0.1:8020', 'http://127.0.0.1:8021/readyz'],
    ['node-3', '127.0.0.1:8030', 'http://127.0.0.1:8031/readyz'],
  ]);
  expect(nodes[2]?.commandLine).toContain('--data-dir d/node-3 ');
  expect(nodes[2]?.commandLine).toContain('--scheduler 127.0.0.1:8000 ');
});

test('finds the programs of commands that npm installed', () => {
  for (const command of ['flotilla-node', 'flotilla-scheduler']) {
    const program = findCommand(command);
    expect(existsSync(program)).toBe(true);
    expect(program.endsWith(`/bin/${command}.js`)).toBe(true);
  }
  expect(() => findCommand('flotilla-absent')).toThrow(CommandError);
});
