import { BackendError } from '../backend/backend-error.ts';
import type { CoordinationBackend } from '../backend/coordination-backend.ts';
import type { KeyRange } from '../backend/key-value.ts';
import { ClosedError, coordinationErrorOf } from '../coordination-error.ts';

/** A change to wait for. */
export interface AwaitedChange {
  readonly range: KeyRange;
  readonly type: 'put' | 'delete';
  /** The revision from which on it counts. */
  readonly fromRevision: bigint;
}

/**
 * Resolves once a key of the range has been put, or deleted, at `fromRevision` or later; with `unknown` when that cannot be told
 * any more, because the time in question is compacted: whoever waited has to look again.
 *
 * @throws the signal's reason once it has aborted.
 * @throws {CoordinationError} for what time cannot heal.
 */
export async function awaitChange(
  backend: CoordinationBackend,
  change: AwaitedChange,
  signal: AbortSignal,
  action: string,
): Promise<'changed' | 'unknown'> {
  signal.throwIfAborted();
  const { range, type, fromRevision } = change;
  const ignore = type === 'put' ? 'delete' : 'put';
  const watch = backend.watch({ ...range, startRevision: fromRevision, ignore }, { signal });
  try {
    for await (const update of watch) {
      if (update.type === 'compacted') return 'unknown';
      if (update.type === 'events' && update.events.length > 0) return 'changed';
    }
  } catch (error) {
    signal.throwIfAborted();
    throw error instanceof BackendError ? coordinationErrorOf(error, action) : error;
  } finally {
    await watch.close();
  }
  signal.throwIfAborted();
  throw new ClosedError(`${action}: the watch was ended`);
}
