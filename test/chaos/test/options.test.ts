import { expect, it } from 'vitest';
import { allFaultKinds } from '../src/fault/fault-kind.ts';
import { type ChaosOptions, parseOptions, usage } from '../src/options.ts';

const defaults = { seed: 99, historyPathOf: (seed: number) => `history-${seed}` };

function options(...args: readonly string[]): ChaosOptions {
  const parsed = parseOptions(args, defaults);
  if (parsed.type !== 'run') throw new Error(JSON.stringify(parsed));
  return parsed.options;
}

function complaints(...args: readonly string[]): readonly string[] {
  const parsed = parseOptions(args, defaults);
  return parsed.type === 'invalid' ? parsed.complaints : [];
}

it('runs two minutes of three nodes with every fault unless told otherwise', () => {
  expect(options()).toEqual({
    minutes: 2,
    nodes: 3,
    seed: 99,
    faults: allFaultKinds,
    isKept: false,
    historyPath: 'history-99',
    summaryPath: undefined,
  });
});

it('takes what it is told', () => {
  const args = ['--minutes', '0.5', '--nodes', '5', '--seed', '7', '--keep', '--history', 'a', '--summary-file', 'b'];
  expect(options(...args)).toMatchObject({
    minutes: 0.5,
    nodes: 5,
    seed: 7,
    isKept: true,
    historyPath: 'a',
    summaryPath: 'b',
  });
  expect(options('--seed', '7').historyPath).toBe('history-7');
});

it('puts faults in one order, so that the seed alone decides the plan', () => {
  expect(options('--faults', 'fill-disk, kill-node,fill-disk').faults).toEqual(['kill-node', 'fill-disk']);
});

it('takes the least and the most of each number, and nothing beyond', () => {
  for (const [name, least, most] of [
    ['minutes', '0.1', '120'],
    ['nodes', '3', '5'],
    ['seed', '0', '4294967295'],
  ] as const) {
    expect(complaints(`--${name}`, least)).toEqual([]);
    expect(complaints(`--${name}`, most)).toEqual([]);
  }
  expect(complaints('--minutes', '0.09', '--nodes', '6', '--seed', '4294967296')).toEqual([
    '--minutes is "0.09": expected a number from 0.1 to 120',
    '--nodes is "6": expected a whole number from 3 to 5',
    '--seed is "4294967296": expected a whole number from 0 to 4294967295',
  ]);
});

it.each(['', 'soon', '1e1', '0x3', ' 3', '-1', 'Infinity'])('takes no number from %j', (text) => {
  expect(complaints(`--nodes=${text}`)).toHaveLength(1);
});

it('names every fault that there is not', () => {
  const [first, second, ...others] = complaints('--faults', 'kill-node,flood,toString');
  expect(first).toMatch(/^--faults names "flood": expected some of kill-node, /);
  expect(second).toMatch(/^--faults names "toString"/);
  expect(others).toEqual([]);
});

it('refuses what is no option', () => {
  expect(complaints('--minute', '2')[0]).toContain("'--minute'");
  expect(complaints('now')[0]).toContain("'now'");
});

it('helps, with every kind of fault', () => {
  expect(parseOptions(['--help'], defaults)).toEqual({ type: 'help' });
  for (const kind of allFaultKinds) expect(usage).toContain(`  ${kind} `);
});
