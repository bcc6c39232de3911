import type { Argument, ScenarioCase } from './scenario.ts';

/** What a command answers instead of doing its work; its text ends the command's output. */
export class CommandError extends Error {
  readonly code = 'scenarioCommand';

  constructor(message: string) {
    super(message);
    this.name = 'CommandError';
  }
}

/** The first value of argument `key`, or undefined. */
export function argumentValue(test: ScenarioCase, key: string): string | undefined {
  return test.args.find((argument) => argument.key === key)?.values[0];
}

/** The arguments that are node ids. */
export function nodeIds(test: ScenarioCase): readonly number[] {
  return test.args.filter((argument) => argument.values.length === 0).map((argument) => parseWhole(argument.key));
}

/** The first argument, as a node id. */
export function firstNodeId(test: ScenarioCase): number {
  const first = test.args[0];
  if (first === undefined) throw new CommandError('a node id is missing');
  return parseWhole(first.key);
}

/** An argument's first value; an argument without one is an error. */
export function requireValue(argument: Argument): string {
  const [value] = argument.values;
  if (value === undefined) throw new CommandError(`${argument.key} needs a value`);
  return value;
}

/** A decimal number. */
export function parseWhole(text: string): number {
  if (!/^\d+$/.test(text)) throw new CommandError(`not a number: ${text}`);
  return Number(text);
}

/** A truth value. */
export function parseBoolean(text: string): boolean {
  if (/^(true|1|t)$/.test(text)) return true;
  if (/^(false|0|f)$/.test(text)) return false;
  throw new CommandError(`not a truth value: ${text}`);
}
