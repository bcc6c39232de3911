import type { Timers } from '@flotilla/runtime';
import type { Observable } from 'rxjs';
import { bestSuccessor } from './peer/leader-transfer.ts';
import type { Peer } from './peer/peer.ts';
import type { LeadershipChange } from './store-handle.ts';

/** What handing over needs. */
export interface HandoverOptions {
  /** The store's peers as they are now. */
  readonly peers: () => Iterable<Peer>;
  /** Lets the raft worker look at a peer that was given a command from outside its loop. */
  readonly transfer: (peer: Peer, toPeerId: number) => void;
  readonly changes: Observable<readonly LeadershipChange[]>;
  readonly timers: Timers;
  readonly retryMs: number;
  readonly signal: AbortSignal;
}

/** Hands the leadership of each region to a peer that is alive; resolves when none is left to hand over, or on abort. */
export async function handOverLeadership(options: HandoverOptions): Promise<void> {
  const { changes, timers, retryMs, signal } = options;
  for (;;) {
    if (signal.aborted || !askSuccessors(options)) return;
    await new Promise<void>((resolve) => {
      const done = (): void => {
        timer.cancel();
        subscription.unsubscribe();
        signal.removeEventListener('abort', done);
        resolve();
      };
      const timer = timers.after(retryMs, done);
      const subscription = changes.subscribe(() => done());
      signal.addEventListener('abort', done, { once: true });
    });
  }
}

/** Asks a successor for each region led here; whether there was any. */
function askSuccessors(options: HandoverOptions): boolean {
  let isLeading = false;
  for (const peer of options.peers()) {
    const successor = peer.isLeader ? bestSuccessor(peer) : undefined;
    if (successor === undefined) continue;
    isLeading = true;
    options.transfer(peer, successor);
  }
  return isLeading;
}
