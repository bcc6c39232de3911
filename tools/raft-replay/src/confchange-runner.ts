import {
  type ChangeResult,
  type ConfChangeError,
  changeSimply,
  enterJoint,
  leaveJoint,
  ProgressTracker,
  progressOf,
} from '@flotilla/raft';
import { argumentValue, CommandError, parseBoolean } from './arguments.ts';
import { parseSteps } from './conf-change-text.ts';
import { printMembership, printProgress } from './print.ts';
import type { ScenarioRunner } from './runner.ts';
import type { ScenarioCase } from './scenario.ts';

const errorTexts: Readonly<Record<ConfChangeError, string>> = {
  notJoint: "can't leave a non-joint config",
  alreadyJoint: 'config is already joint',
  simpleWhileJoint: "can't apply simple config change in joint config",
  jointWithoutVoters: "can't make a zero-voter config joint",
  noVotersLeft: 'removed all voters',
  tooManyVotersChanged: 'more than one voter changed without entering joint config',
};

/** Runs files of kind `confchange`: changes of membership, one after the other. */
export class ConfChangeRunner implements ScenarioRunner {
  readonly #tracker = new ProgressTracker(10, Number.POSITIVE_INFINITY);
  #lastIndex = 0;

  run(test: ScenarioCase): string {
    try {
      const changed = this.#change(test);
      if (typeof changed === 'string') return errorTexts[changed];
      this.#tracker.switchTo(changed.membership, changed.added, this.#lastIndex);
      const lines = [printMembership(this.#tracker.membership), ...progressOf(this.#tracker).map(printProgress)];
      return lines.join('\n');
    } finally {
      this.#lastIndex += 1;
    }
  }

  #change(test: ScenarioCase): ChangeResult {
    const steps = parseSteps(test.input);
    const { membership } = this.#tracker;
    switch (test.command) {
      case 'simple':
        return changeSimply(membership, steps);
      case 'enter-joint':
        return enterJoint(membership, steps, parseBoolean(argumentValue(test, 'autoleave') ?? 'false'));
      case 'leave-joint':
        if (steps.length > 0) throw new CommandError('this command takes no input');
        return leaveJoint(membership);
      default:
        throw new CommandError('unknown command');
    }
  }
}
