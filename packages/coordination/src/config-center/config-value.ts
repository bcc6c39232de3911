/** A value of configuration as it stands. */
export interface ConfigValue {
  readonly key: string;
  readonly value: string;
  /** The revision of the write that set it: what a compare-and-set compares. */
  readonly version: bigint;
  /** When the key was made, since it was last deleted; the epoch's beginning if another tool wrote it. */
  readonly createTime: Date;
  /** When the value was set; the epoch's beginning if another tool wrote it. */
  readonly updateTime: Date;
  readonly author: string | undefined;
  readonly comment: string | undefined;
  /** Whatever else was given with the value. */
  readonly metadata: Readonly<Record<string, string>>;
}

/** One version of a key's history. */
export interface ConfigVersion {
  readonly key: string;
  readonly version: bigint;
  readonly type: 'create' | 'update' | 'delete';
  /** Of a deletion, none. */
  readonly value: string | undefined;
  /** When this version was written. */
  readonly createTime: Date;
  readonly author: string | undefined;
  readonly comment: string | undefined;
}

/** What a change did. */
export const ConfigChangeType = Object.freeze({
  Create: 'create',
  Update: 'update',
  Delete: 'delete',
  /** Changes were missed, because they are compacted away: `values` is what there is now. */
  Reset: 'reset',
});

/** One of `ConfigChangeType`. */
export type ConfigChangeType = (typeof ConfigChangeType)[keyof typeof ConfigChangeType];

/** What a watch of configuration yields. */
export type ConfigChange =
  | {
      readonly type: 'create' | 'update' | 'delete';
      readonly key: string;
      /** The value before; none for a new key, nor where it was compacted away before it was read. */
      readonly oldValue: string | undefined;
      /** The value now; none for a deleted key. */
      readonly newValue: string | undefined;
      /** The revision of the change. A watch from `version + 1n` goes on behind it. */
      readonly version: bigint;
      /** When the value was written; when it was noticed, for a deletion or a value of another tool. */
      readonly timestamp: Date;
    }
  | {
      readonly type: 'reset';
      /** All values of the watched keys, in key order. */
      readonly values: readonly ConfigValue[];
      /** The revision that they were read at. */
      readonly version: bigint;
      readonly timestamp: Date;
    };
