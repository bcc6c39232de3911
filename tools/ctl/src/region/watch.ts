import type { CommandContext } from '../command-context.ts';

/** Pause between two looks. */
const watchIntervalMs = 1000;

/**
 * Writes what `render` says, once, or with `isWatching` again every second until the user interrupts. On a terminal each
 * look takes the place of the one before.
 */
export async function writeOnceOrWatch(
  context: CommandContext,
  isWatching: boolean,
  render: () => Promise<string>,
): Promise<void> {
  const { terminal, interrupt, runtime } = context;
  const clear = isWatching && terminal.isOutputTty ? '\u001b[2J\u001b[H' : '';
  for (;;) {
    await terminal.write(`${clear}${await render()}`);
    if (!isWatching) return;
    await runtime.timers.sleep(watchIntervalMs, interrupt);
  }
}
