import type { SendOutcome } from '@flotilla/actor';
import type { KeyValue } from '@flotilla/engine';
import type { errorpb, flotillapb, metapb, raft_cmdpb, raft_serverpb } from '@flotilla/protocol';
import type { Observable } from 'rxjs';
import type { SubscribeOutcome } from './machine/region-machines.ts';

/**
 * A consistent view of one region, for reads that a single command cannot hold. Must be closed; it ends by itself after
 * `regionSnapshotMaxAgeMs`.
 */
export interface RegionSnapshot {
  readonly region: metapb.Region;
  /** @throws {RegionSnapshotError} with code `keyNotInRegion`, `unknownColumnFamily`, `snapshotExpired` or `snapshotClosed`. */
  get(columnFamily: string, key: Uint8Array): Promise<Uint8Array | undefined>;
  /**
   * Pairs of the region from `start` in key order, keys without their column family; never past the region's end.
   *
   * @throws {RegionSnapshotError} as `get`; `start` is a key of the region too.
   */
  scan(columnFamily: string, start: Uint8Array, limit: number, maxBytes: number): Promise<KeyValue[]>;
  close(): Promise<void>;
}

/** How a command ended. A `snap` request that succeeded brings a snapshot, which the receiver closes. */
export interface CommandResult {
  readonly response: raft_cmdpb.RaftCmdResponse;
  readonly snapshot?: RegionSnapshot | undefined;
}

/** What became of a consistency check: the hash of the leader's data, or why there is none. */
export type ConsistencyOutcome =
  | { readonly type: 'hashed'; readonly hash: flotillapb.RegionHash }
  | { readonly type: 'refused'; readonly error: errorpb.Error };

/** Takes in one streamed snapshot; nothing of it is kept unless `finish` resolves. */
export interface SnapshotReceiver {
  write(chunk: Uint8Array): Promise<void>;
  /** Checks and keeps the files, then hands the message to the region. */
  finish(): Promise<void>;
  abort(): Promise<void>;
}

/** A running store as servers, clients in the same process and tests see it. */
export interface RaftStoreHandle {
  readonly storeId: number;
  readonly clusterId: number;
  /**
   * Runs a command: writes through the log, reads by ReadIndex. Resolves exactly once and never rejects; a failure is in
   * `response.header.error`. `staleCommand` means it took no effect; `outcomeUnknown` means that nobody knows.
   * The response to the get of an absent key has no `get`; an empty value is a value.
   */
  execute(request: raft_cmdpb.RaftCmdRequest): Promise<CommandResult>;
  /** Hands in a message from another store. */
  deliver(message: raft_serverpb.RaftMessage): SendOutcome;
  /** @throws {SnapshotError} with code `tooManySnapshots` or `malformedSnapshot`. */
  receiveSnapshot(message: raft_serverpb.RaftMessage): Promise<SnapshotReceiver>;
  /**
   * Has every replica of a region hash its data at one entry of the log and compare its hash with the leader's; this store
   * has to lead the region. Resolves with this replica's hash; what the others found is with their stores: `regionHash`,
   * and `inconsistencies`.
   */
  checkConsistency(regionId: number): Promise<ConsistencyOutcome>;
  /** The hash that this store's replica had at the last consistency check; `undefined` when there was none. */
  regionHash(regionId: number): flotillapb.RegionHash | undefined;
  /**
   * Follows the state machine that the key belongs to, by this store's replica of it; `machines` of its options has them.
   * Refused with an error as `execute` has them. The store ends a subscription when its replica goes or loses its leader.
   */
  subscribe(key: Uint8Array, payload: Uint8Array): SubscribeOutcome;
  /** Every peer of this store, by region id. */
  status(): readonly flotillapb.RegionStatus[];
  /** Leadership of this store's peers as it changes, one array per batch. */
  readonly leadershipChanges: Observable<readonly LeadershipChange[]>;
  /** Hands leadership of every region to another store where one can take it; resolves when done or when the signal aborts. */
  transferLeadershipAway(signal: AbortSignal): Promise<void>;
  /** Answers what is pending, ends the workers, closes nothing that was passed in. */
  close(): Promise<void>;
}

/** What became of a region on this store. */
export type RegionChange =
  /** A split made the region, and its peer here runs. */
  | { readonly type: 'created'; readonly region: metapb.Region }
  | SplitChange
  /** This store's peer of the region is gone. */
  | { readonly type: 'destroyed'; readonly region: metapb.Region };

/** A region was split; `parts` are in key order, `region` is what became of it itself. */
export interface SplitChange {
  readonly type: 'split';
  readonly region: metapb.Region;
  readonly parts: readonly metapb.Region[];
}

/** What became of a snapshot of a region on this store. */
export type SnapshotEvent =
  /** The peer's store has all of it, or could not be given it; the leader sends another one then. */
  | { readonly type: 'sent' | 'sendFailed'; readonly regionId: number; readonly toPeerId: number }
  /** All files of it are here. */
  | { readonly type: 'received'; readonly regionId: number; readonly index: number }
  /** The region's data here are those of the snapshot, through the log's `index`. */
  | { readonly type: 'applied'; readonly regionId: number; readonly index: number };

/** One region's new leader as this store sees it. */
export interface LeadershipChange {
  readonly regionId: number;
  readonly term: number;
  readonly leader: metapb.Peer | undefined;
  readonly isLocal: boolean;
}
