import { type flotillapb, schedulerpb } from '@flotilla/protocol';
import type { ClusterOperators } from '../cluster-connection.ts';
import { type CommandContext, CommandError } from '../command-context.ts';
import { exitCode } from '../exit-code.ts';
import { operatorState } from './region-table.ts';

const pollIntervalMs = 200;

/**
 * Waits until an operator has ended, and tells on standard error which steps are done. An interrupt ends the waiting, not
 * the operator, and says so.
 *
 * @throws {CommandError} with exit code `notDone` when it ended without being done.
 */
export async function waitForOperator(
  context: CommandContext,
  operators: ClusterOperators,
  ordered: flotillapb.OperatorInfo,
): Promise<flotillapb.OperatorInfo> {
  const { terminal, runtime, interrupt } = context;
  let told = 0;
  try {
    for (let current = ordered; ; ) {
      for (const step of current.steps.slice(told)) {
        if (!step.isFinished) break;
        told += 1;
        terminal.writeError(`${terminal.style('error', 'green', '✓')} ${step.description}\n`);
      }
      if (current.status !== schedulerpb.OperatorStatus.RUNNING) return checkDone(current);
      await runtime.timers.sleep(pollIntervalMs, interrupt);
      const found = await operators.find(ordered.id, interrupt);
      if (found === undefined || found.regionId !== ordered.regionId) throw forgotten(ordered);
      current = found;
    }
  } catch (error) {
    if (interrupt.aborted) {
      const { id, regionId } = ordered;
      terminal.writeError(
        `operator ${id} goes on without being waited for; flotilla region show ${regionId} shows it, ` +
          `flotilla region cancel ${regionId} ends it\n`,
      );
    }
    throw error;
  }
}

function checkDone(operator: flotillapb.OperatorInfo): flotillapb.OperatorInfo {
  if (operator.status === schedulerpb.OperatorStatus.SUCCESS) return operator;
  const why = operator.reason === '' ? '' : `: ${operator.reason}`;
  const message = `operator ${operator.id} of region ${operator.regionId} was not done: ${operatorState(operator)}${why}`;
  throw new CommandError(message, exitCode.notDone, {
    hint: `flotilla region show ${operator.regionId} shows what was done of it`,
  });
}

function forgotten({ id, regionId }: flotillapb.OperatorInfo): CommandError {
  return new CommandError(
    `the scheduler no longer knows operator ${id}: it was restarted, and what was not done is forgotten`,
    exitCode.notDone,
    { hint: `flotilla region show ${regionId} shows how far it came; the same order can be given again` },
  );
}
