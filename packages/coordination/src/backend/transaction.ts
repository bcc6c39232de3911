import type { KeyRange, KeyValue } from './key-value.ts';

/** What a range read sorts by. */
export type SortTarget = 'key' | 'version' | 'createRevision' | 'modRevision' | 'value';

/** A read of one key or a range. */
export interface RangeRequest extends KeyRange {
  /** The revision to read at; the latest unless given. */
  readonly revision?: bigint | undefined;
  /** The most keys to return; all unless given. `count` and `more` tell of the rest. */
  readonly limit?: number | undefined;
  /** By key, ascending, unless given. */
  readonly sort?: { readonly by: SortTarget; readonly order: 'ascending' | 'descending' } | undefined;
  /** Leaves the values empty. */
  readonly keysOnly?: boolean | undefined;
  /** Returns the count alone. */
  readonly countOnly?: boolean | undefined;
  /** Answered by any replica from what it has, which may be behind. */
  readonly serializable?: boolean | undefined;
  readonly minModRevision?: bigint | undefined;
  readonly maxModRevision?: bigint | undefined;
  readonly minCreateRevision?: bigint | undefined;
  readonly maxCreateRevision?: bigint | undefined;
}

/** What a range read found. */
export interface RangeResult {
  /** The store's revision when it was read; not the one read at. */
  readonly revision: bigint;
  readonly kvs: readonly KeyValue[];
  /** Whether `limit` cut the keys short. */
  readonly more: boolean;
  /** Keys in the range, whatever limit and filters leave of them. */
  readonly count: number;
}

/** A write of one key. */
export interface PutRequest {
  readonly key: Uint8Array;
  /** Left out, with `keepValue`. */
  readonly value?: Uint8Array | undefined;
  /** The lease to attach the key to; 0 or left out for none, which detaches it. */
  readonly leaseId?: bigint | undefined;
  /** Returns the key as it was before. */
  readonly previous?: boolean | undefined;
  /** Keeps the value that is there, or the lease; the key has to exist. */
  readonly keepValue?: boolean | undefined;
  readonly keepLease?: boolean | undefined;
}

/** What a put did. */
export interface PutResult {
  readonly revision: bigint;
  readonly previous?: KeyValue | undefined;
}

/** Deletes one key or a range. */
export interface DeleteRequest extends KeyRange {
  /** Returns the deleted keys as they were. */
  readonly previous?: boolean | undefined;
}

/** What a delete did; the revision does not rise when nothing was there. */
export interface DeleteResult {
  readonly revision: bigint;
  readonly deleted: number;
  readonly previous: readonly KeyValue[];
}

/** What a comparison looks at. An absent key has revisions, version and lease 0, and equals no value. */
export type CompareTarget =
  | { readonly target: 'version'; readonly version: bigint }
  | { readonly target: 'createRevision'; readonly createRevision: bigint }
  | { readonly target: 'modRevision'; readonly modRevision: bigint }
  | { readonly target: 'lease'; readonly leaseId: bigint }
  | { readonly target: 'value'; readonly value: Uint8Array };

/** A condition; with a range it has to hold for each key that is there. */
export type Compare = KeyRange & { readonly result: '=' | '!=' | '<' | '>' } & CompareTarget;

/** One operation of a transaction. */
export type Operation =
  | ({ readonly type: 'range' } & RangeRequest)
  | ({ readonly type: 'put' } & PutRequest)
  | ({ readonly type: 'delete' } & DeleteRequest)
  | ({ readonly type: 'transaction' } & TransactionRequest);

/** When all of `compare` hold, `success` is done, otherwise `failure`; at most 128 of each. */
export interface TransactionRequest {
  readonly compare: readonly Compare[];
  readonly success: readonly Operation[];
  readonly failure?: readonly Operation[] | undefined;
}

/** What an operation of a transaction did, in the operations' order. */
export type OperationResult =
  | ({ readonly type: 'range' } & RangeResult)
  | ({ readonly type: 'put' } & PutResult)
  | ({ readonly type: 'delete' } & DeleteResult)
  | ({ readonly type: 'transaction' } & TransactionResult);

/** What a transaction did: all its writes have one revision. */
export interface TransactionResult {
  readonly revision: bigint;
  readonly succeeded: boolean;
  readonly results: readonly OperationResult[];
}
