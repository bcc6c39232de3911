import type { raft_serverpb } from '@flotilla/protocol';

/** What happens to a store rather than to one of its regions. */
export type StoreMessage =
  /** A message for a region that has no peer here, or had none when it arrived. */
  | { readonly type: 'storeRaftMessage'; readonly message: raft_serverpb.RaftMessage }
  | { readonly type: 'storeTick'; readonly tick: StoreTick };

/** What a store does from time to time. */
export type StoreTick = 'diskCheck' | 'storeHeartbeat' | 'snapshotGc';
