import type { metapb } from '@flotilla/protocol';
import type { HardState, Message } from '@flotilla/raft';

/**
 * The steps by which a received snapshot takes the place of a peer's log and data. A crash after any of them resumes at
 * the next start from the `Applying` state, which `begin` makes durable before anything is lost:
 *
 * 1. `drain`: entries handed out earlier are still being applied; nothing else may write this region's data.
 * 2. `begin`: region state `Applying` and the new apply state, synced (apply worker).
 * 3. `resetLog`: the log is emptied and ends at the snapshot, synced (log writer).
 * 4. `replaceData`: files checked, range deleted, data written, synced (region worker).
 * 5. `finish`: region state `Normal`, synced (apply worker); then the core and the leader are told.
 *
 * Appends that come meanwhile are held back, so that the log of a region in state `Applying` never has anything that the
 * snapshot does not replace: a start may throw it away.
 */
export type InstallStep = 'drain' | 'begin' | 'resetLog' | 'replaceData' | 'finish';

/** A snapshot on its way into a peer. */
export interface SnapshotInstall {
  step: InstallStep;
  readonly region: metapb.Region;
  readonly index: number;
  readonly term: number;
  /** To be stored with the emptied log; all zeros keep the present one. */
  readonly hardState: HardState;
  /** The append that brought the snapshot, to be answered when all is done; absent when a start resumes it. */
  readonly message: Message | undefined;
  /** Whether the files turned out to be damaged: then others are asked for. */
  isAwaiting: boolean;
  /** Appends that followed it. */
  readonly held: Message[];
}
