import type { metapb, raft_serverpb } from '@flotilla/protocol';
import type { ConfChange, Entry, Message } from '@flotilla/raft';
import type { Proposal } from '../peer/proposal-queue.ts';
import type { RegionSplit } from './split.ts';

/** What happens to the applied state of a region. Messages of one region take effect in the order they were sent. */
export type ApplyMessage =
  /** The region has a peer here whose entries will follow. */
  | {
      readonly type: 'register';
      readonly regionId: number;
      readonly peerId: number;
      readonly region: metapb.Region;
      readonly applyState: raft_serverpb.RaftApplyState;
      /** Whether the data are those of the apply state, and not on their way in. */
      readonly hasData: boolean;
    }
  /** Committed entries in log order; `proposals` is aligned with them. */
  | {
      readonly type: 'apply';
      readonly regionId: number;
      readonly entries: readonly Entry[];
      readonly proposals: readonly (Proposal | undefined)[] | undefined;
      /** Given back with the result: what the core is told once the entries are applied. */
      readonly responses: readonly Message[];
      /** When the first of them was known to be committed, by the monotonic clock. */
      readonly committedAtMs: number;
    }
  /** A snapshot is about to replace the region's data: records that, durably, before anything is deleted. */
  | {
      readonly type: 'beginSnapshot';
      readonly regionId: number;
      readonly peerId: number;
      readonly region: metapb.Region;
      readonly index: number;
      readonly term: number;
    }
  /** The snapshot's data is in place and durable. */
  | { readonly type: 'finishSnapshot'; readonly regionId: number }
  /** The region's peer goes for good: leaves a tombstone with the last epoch that it knows of. */
  | {
      readonly type: 'destroy';
      readonly regionId: number;
      readonly peerId: number;
      readonly region: metapb.Region;
      /** The epoch in which it is a member no more, when others told it. */
      readonly finalEpoch: metapb.RegionEpoch | undefined;
    };

/** A change that applying an entry made to more than data; the peer follows it before it tells the core. */
export type ApplyChange =
  | {
      readonly type: 'confChange';
      /** For the core. */
      readonly confChange: ConfChange;
      /** The region as the change has made it. */
      readonly region: metapb.Region;
    }
  /** A membership change that cannot be made now; the core has to hear of it all the same. */
  | { readonly type: 'confChangeRefused' }
  | { readonly type: 'compactLog'; readonly truncated: raft_serverpb.RaftTruncatedState }
  | RegionSplit;

/** What became of an apply message. */
export type ApplyResult =
  | {
      readonly type: 'applied';
      readonly regionId: number;
      readonly index: number;
      readonly term: number;
      readonly entryBytes: number;
      readonly writtenBytes: number;
      /** Puts and deletes. */
      readonly writtenKeys: number;
      readonly changes: readonly ApplyChange[];
      readonly responses: readonly Message[];
    }
  | { readonly type: 'snapshotBegun'; readonly regionId: number }
  | { readonly type: 'snapshotFinished'; readonly regionId: number }
  | { readonly type: 'tombstoned'; readonly regionId: number; readonly peerId: number };
