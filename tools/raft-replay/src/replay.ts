import { CommandError } from './arguments.ts';
import { ConfChangeRunner } from './confchange-runner.ts';
import { InteractionRunner } from './interaction-runner.ts';
import { normaliseOutput } from './normalise.ts';
import { QuorumRunner } from './quorum-runner.ts';
import type { ScenarioRunner } from './runner.ts';
import { parseScenario, type ScenarioCase } from './scenario.ts';

/** The kinds of scenario files, named by their parent folders. */
export const scenarioKinds = ['interaction', 'confchange', 'quorum'] as const;

/** What a scenario file is about. */
export type ScenarioKind = (typeof scenarioKinds)[number];

/** Where a file's output first differed from what it expects. */
export interface ScenarioFailure {
  /** One-based line of the case's directive; 0 when the file could not be read. */
  readonly line: number;
  readonly command: string;
  readonly expected: string;
  readonly actual: string;
}

/** Replays a scenario's text; undefined when all of it came out as expected. */
export function replayScenario(kind: ScenarioKind, text: string): ScenarioFailure | undefined {
  let cases: readonly ScenarioCase[];
  try {
    cases = parseScenario(text);
  } catch (error) {
    return { line: 0, command: 'read', expected: '', actual: `${String(error)}\n` };
  }
  const runner = createRunner(kind);
  for (const test of cases) {
    const expected = kind === 'interaction' ? normaliseOutput(test.expected) : test.expected;
    const actual = withFinalNewline(runCase(runner, test));
    if (actual !== expected) return { line: test.line, command: test.command, expected, actual };
  }
  return undefined;
}

/** The whole scenario with each expectation replaced by what came out: for writing new scenarios, to be checked by hand. */
export function rewriteScenario(kind: ScenarioKind, text: string): string {
  const lines = text.split('\n');
  const runner = createRunner(kind);
  let rewritten = '';
  let copied = 0;
  for (const test of parseScenario(text)) {
    const end = lines.indexOf('----', test.line - 1) + 1;
    rewritten += `${lines.slice(copied, end).join('\n')}\n${withFinalNewline(runCase(runner, test))}`;
    copied = end;
    while (copied < lines.length && lines[copied]!.trim() !== '') copied += 1;
  }
  return rewritten + lines.slice(copied).join('\n');
}

function runCase(runner: ScenarioRunner, test: ScenarioCase): string {
  try {
    return runner.run(test);
  } catch (error) {
    if (error instanceof CommandError) return error.message;
    return error instanceof Error ? `${error.stack ?? error.message}` : String(error);
  }
}

function createRunner(kind: ScenarioKind): ScenarioRunner {
  switch (kind) {
    case 'interaction':
      return new InteractionRunner();
    case 'confchange':
      return new ConfChangeRunner();
    case 'quorum':
      return new QuorumRunner();
  }
}

function withFinalNewline(text: string): string {
  return text === '' || text.endsWith('\n') ? text : `${text}\n`;
}
