import type { MessagePort } from 'node:worker_threads';
import { createSystemRuntime, processClock, silentLogger } from '@flotilla/runtime';
import type { BackendLocation } from '../../backend/coordination-backend.ts';
import { openBackend } from '../../backend/open-backend.ts';
import { LeaseRenewer } from './handler.ts';
import type { RenewerMessage, ThreadEvent } from './message.ts';

/** How long a thread without leases stays, in case that another session is opened. */
const lingerMs = 1_000;

/**
 * The whole of a renewer's thread: opens its own backend, keeps leases alive as it is told, and ends by itself a while after the
 * last of them. Messages that come while the backend is being opened wait in the port.
 */
export async function serveRenewer(port: MessagePort, location: BackendLocation): Promise<void> {
  const runtime = { ...createSystemRuntime({ logger: silentLogger }), clock: processClock };
  const backend = await openBackend(location, runtime);
  const say = (event: ThreadEvent): void => {
    port.postMessage(event);
    rest();
  };
  const renewer = new LeaseRenewer({ backend, runtime, emit: say });
  let lingering: { cancel(): void } | undefined;
  /** Ends the thread once it has had nothing to do for a while. */
  const rest = (): void => {
    lingering?.cancel();
    if (renewer.leases > 0) return;
    lingering = runtime.timers.after(lingerMs, () => {
      port.close();
      void backend.close();
    });
  };
  port.on('message', (message: RenewerMessage) => {
    renewer.handle(message);
    rest();
  });
  say({ type: 'ready' });
}
