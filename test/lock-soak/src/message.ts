import type { LockStore } from './lock-store.ts';

/** Whose locks are put to the test: this project's, or those that npm's `etcd3` brings. */
export type LockKind = 'flotilla' | 'etcd3';

/** What a holder process is told at its start. */
export interface HolderTask {
  readonly kind: LockKind;
  readonly store: LockStore;
  readonly ttlMs: number;
  readonly seed: number;
}

/** From a holder process to the soak. */
export type HolderMessage =
  | { readonly type: 'ready' }
  /** The lock was acquired; etcd3's locks have no token to show. */
  | { readonly type: 'acquired'; readonly token: bigint | undefined }
  /** A use of the file under the lock: a read, or with `base` a write of the number after the one that was read. */
  | { readonly type: 'use'; readonly id: number; readonly token: bigint | undefined; readonly base: number | undefined }
  /** A use was refused; whether the holder thought that it held the lock when it heard of that. */
  | { readonly type: 'refused'; readonly believed: boolean }
  /** It found out, before a use, that the lock is lost. */
  | { readonly type: 'lost' }
  | { readonly type: 'released' }
  | { readonly type: 'failed'; readonly message: string };

/** From the soak to a holder process. */
export type SoakMessage =
  | { readonly type: 'start'; readonly task: HolderTask }
  | { readonly type: 'answer'; readonly id: number; readonly isAdmitted: boolean; readonly value: number }
  | { readonly type: 'stop' };
