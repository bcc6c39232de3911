import type { Clock, Runtime } from '@flotilla/runtime';
import type { CoordinationBackend } from '../../backend/coordination-backend.ts';
import { LeaseRenewer } from './handler.ts';
import type { RenewerEvent, RenewerMessage } from './message.ts';

/** A renewer of leases, wherever it runs. */
export interface Renewer {
  /** The clock of its deadlines. */
  readonly clock: Clock;
  send(message: RenewerMessage): void;
  /** Ends it; what it kept is forgotten. */
  close(): void;
}

/** A renewer in this thread, over the backend that is here. */
export function spawnInlineRenewer(
  backend: CoordinationBackend,
  runtime: Runtime,
  onEvent: (event: RenewerEvent) => void,
): Renewer {
  const renewer = new LeaseRenewer({ backend, runtime, emit: onEvent });
  return { clock: runtime.clock, send: (message) => renewer.handle(message), close: () => renewer.close() };
}
