import type { Coordinator } from '@flotilla/coordination';
import type { CommandContext } from '../command-context.ts';

/** Runs `work` with a coordinator, which is closed whatever happens. */
export async function withCoordinator<T>(
  context: CommandContext,
  work: (coordinator: Coordinator) => Promise<T>,
): Promise<T> {
  const coordinator = await context.coordinate();
  try {
    return await work(coordinator);
  } finally {
    await coordinator.close();
  }
}
