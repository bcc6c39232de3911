import type { metapb, raft_serverpb } from '@flotilla/protocol';

/** Work on a region's data that takes long; each task is plain data and can be done again from its beginning. */
export type RegionTask =
  /** Writes a snapshot of the region, as it is when the task runs, into files. */
  | { readonly type: 'generate'; readonly regionId: number }
  /** Checks the received files, then puts their data in the place of the region's. */
  | {
      readonly type: 'apply';
      readonly regionId: number;
      readonly region: metapb.Region;
      readonly index: number;
      readonly term: number;
    }
  /** Deletes the data of a range that no region of this store has any more. */
  | {
      readonly type: 'destroy';
      readonly regionId: number;
      readonly startKey: Uint8Array;
      readonly endKey: Uint8Array;
    };

/** What became of a region task. */
export type RegionTaskResult =
  | {
      readonly type: 'generated';
      readonly regionId: number;
      readonly region: metapb.Region;
      readonly index: number;
      readonly term: number;
      readonly meta: raft_serverpb.SnapshotMeta;
      readonly totalBytes: number;
    }
  | { readonly type: 'applied'; readonly regionId: number; readonly index: number; readonly term: number }
  /** A received file is not what was sent, or is missing; nothing was deleted. */
  | {
      readonly type: 'damaged';
      readonly regionId: number;
      readonly index: number;
      readonly term: number;
      readonly code: string;
      readonly message: string;
    }
  | { readonly type: 'destroyed'; readonly regionId: number }
  | {
      readonly type: 'failed';
      readonly regionId: number;
      readonly task: RegionTask['type'];
      /** Stable code of what went wrong, with a message for people; an Error does not cross a thread whole. */
      readonly code: string;
      readonly message: string;
    };
