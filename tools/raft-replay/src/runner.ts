import type { ScenarioCase } from './scenario.ts';

/** Runs the cases of one file, in order, keeping state between them. */
export interface ScenarioRunner {
  /** What the case prints. @throws {CommandError} whose text ends the output. */
  run(test: ScenarioCase): string;
}
