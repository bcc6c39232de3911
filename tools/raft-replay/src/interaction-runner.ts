import { CommandError } from './arguments.ts';
import { Environment } from './environment.ts';
import { interactionCommands } from './interaction-commands.ts';
import { isSilentLevel } from './log-level.ts';
import { normaliseOutput } from './normalise.ts';
import type { ScenarioRunner } from './runner.ts';
import type { ScenarioCase } from './scenario.ts';

/** Runs files of kind `interaction`: nodes that exchange messages, one command at a time. */
export class InteractionRunner implements ScenarioRunner {
  readonly #environment = new Environment();

  run(test: ScenarioCase): string {
    const { output } = this.#environment;
    const error = this.#execute(test);
    const text = output.take();
    // Nothing is heard at level `none` but an error.
    if (output.isSilent) return error ?? 'ok';
    return normaliseOutput(text + (error ?? ''));
  }

  /** Runs the command; answers its error, if any. */
  #execute(test: ScenarioCase): string | undefined {
    const { output } = this.#environment;
    const wasSilent = output.isSilent;
    const level = test.command === 'stabilize' ? test.args.find(({ key }) => key === 'log-level') : undefined;
    try {
      if (level?.values[0] !== undefined) output.isSilent = isSilentLevel(level.values[0]);
      const command = interactionCommands.get(test.command);
      if (command === undefined) return 'unknown command';
      command(this.#environment, test);
      return undefined;
    } catch (error) {
      if (error instanceof CommandError) return error.message;
      throw error;
    } finally {
      if (level !== undefined) output.isSilent = wasSilent;
    }
  }
}
