import type { CoordinationErrorCode, Coordinator, Lock } from '@flotilla/coordination';
import { type Command, CommandError } from '../command-context.ts';
import { exitCode } from '../exit-code.ts';
import { runGuarded } from './guarded-command.ts';
import { withCoordinator } from './with-coordinator.ts';

/** Which lock, and what to run. */
export interface LockArguments {
  readonly name: string;
  readonly command: readonly [string, ...string[]];
  readonly ttlMs?: number | undefined;
  /** 0 takes the lock only if it is free now. */
  readonly waitMs?: number | undefined;
  readonly killAfterMs: number;
}

/** `lock NAME -- COMMAND`: runs a command while a lock is held; ends as the command does. */
export const lock: Command<LockArguments> = (context, args) =>
  withCoordinator(context, async (coordinator) => {
    const { interrupt, terminal, runtime, takeSignals } = context;
    const held = await acquire(coordinator, args, interrupt);
    try {
      interrupt.throwIfAborted();
      const [command, ...words] = args.command;
      const code = await runGuarded({
        command,
        args: words,
        environment: { FLOTILLA_LOCK_KEY: held.key, FLOTILLA_FENCING_TOKEN: String(held.fencingToken) },
        lost: held.signal,
        isHeld: () => held.isHeld,
        killAfterMs: args.killAfterMs,
        timers: runtime.timers,
        takeSignals,
      });
      if (code === exitCode.lockLost && held.signal.aborted) {
        terminal.writeError(
          `${terminal.style('error', 'red', 'error:')} the lock was lost, and the command was ended\n`,
        );
      }
      return code;
    } finally {
      await held.release();
    }
  });

async function acquire(coordinator: Coordinator, args: LockArguments, signal: AbortSignal): Promise<Lock> {
  const { name, ttlMs, waitMs } = args;
  const locks = coordinator.lock();
  if (waitMs === 0) {
    const held = await locks.tryAcquire(name, { ttlMs, signal });
    if (held === undefined) throw new CommandError(`the lock ${name} is held by another`, exitCode.notDone);
    return held;
  }
  try {
    return await locks.acquire(name, { ttlMs, timeoutMs: waitMs, signal });
  } catch (cause) {
    const timeout: CoordinationErrorCode = 'timeout';
    if (waitMs === undefined || (cause as { readonly code?: unknown }).code !== timeout) throw cause;
    throw new CommandError(`the lock ${name} was not free within ${waitMs} ms`, exitCode.notDone, { cause });
  }
}
