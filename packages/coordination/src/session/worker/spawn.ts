import { type Clock, processClock, type Runtime } from '@flotilla/runtime';
import type { CoordinationBackend } from '../../backend/coordination-backend.ts';
import { LeaseRenewer } from './handler.ts';
import type { RenewerEvent, RenewerMessage } from './message.ts';
import { ThreadRenewer } from './thread-renewer.ts';

/** A renewer of leases, wherever it runs. */
export interface Renewer {
  /** The clock of its deadlines. */
  readonly clock: Clock;
  send(message: RenewerMessage): void;
}

/** A renewer in this thread, over the backend that is here. */
export function spawnInlineRenewer(
  backend: CoordinationBackend,
  runtime: Runtime,
  onEvent: (event: RenewerEvent) => void,
): Renewer {
  const renewer = new LeaseRenewer({ backend, runtime, emit: onEvent });
  return { clock: runtime.clock, send: (message) => renewer.handle(message) };
}

/**
 * A renewer on a thread, which opens the backend again for itself, so that no work of this thread keeps it from renewing. Where no
 * thread can be had for long, it goes on in this one, and says so.
 */
export function spawnThreadRenewer(
  backend: CoordinationBackend,
  runtime: Runtime,
  onEvent: (event: RenewerEvent) => void,
): Renewer {
  const here = { ...runtime, clock: processClock };
  const spawnInline = (onInlineEvent: typeof onEvent): Renewer => spawnInlineRenewer(backend, here, onInlineEvent);
  return new ThreadRenewer(backend.location, runtime, onEvent, spawnInline);
}
