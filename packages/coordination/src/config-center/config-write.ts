import type { CallOptions, CoordinationBackend } from '../backend/coordination-backend.ts';
import type { KeyValue } from '../backend/key-value.ts';
import type { Compare, Operation, OperationResult } from '../backend/transaction.ts';
import type { ConfigCenterConfig } from './config.ts';
import type { ConfigLayout } from './config-layout.ts';
import type { ConfigRecords, WriteNote } from './config-record.ts';
import { VersionConflictError } from './version-conflict-error.ts';

/**
 * Writes of configuration. Each is one transaction, and so one revision: the value, its version in the history, and the end of
 * versions that are too old. The transaction compares what was read before: the value's revision, and that the latest version is the
 * latest still, so that numbers of versions rise with their revisions even where a key was made and deleted again meanwhile.
 * When a comparison fails, the transaction itself reads what is there now.
 */

/** One write; a deletion has no value. */
export interface ConfigWrite {
  readonly key: string;
  readonly value: string | undefined;
  /** The version to replace, 0 for none; whatever is there unless given. */
  readonly version: bigint | undefined;
  readonly metadata?: Readonly<Record<string, string>> | undefined;
}

/** What a write did. */
export interface WrittenConfig {
  /** Whether there was a value before. */
  readonly existed: boolean;
  readonly createTime: Date;
  readonly updateTime: Date;
}

/** What writes are made with. */
export interface WriteContext {
  readonly backend: CoordinationBackend;
  readonly layout: ConfigLayout;
  readonly records: ConfigRecords;
  readonly config: ConfigCenterConfig;
  /** The time of the wall clock. */
  readonly now: () => Date;
}

/** A key as it was read. */
interface KeyState {
  readonly value: KeyValue | undefined;
  /** The latest version, without its content. */
  readonly latest: KeyValue | undefined;
}

/**
 * Does all of the writes or none, in one revision.
 *
 * @param callOptions Asked for anew before each call, as the time that is left shrinks.
 * @throws {VersionConflictError} when another version is there than one to be replaced; {BackendError}.
 */
export async function writeConfig(
  context: WriteContext,
  writes: readonly ConfigWrite[],
  note: WriteNote,
  callOptions: () => CallOptions,
): Promise<{ readonly version: bigint; readonly written: readonly WrittenConfig[] }> {
  const reads = writes.flatMap(({ key }) => readsOf(context, key));
  const { results, revision } = await context.backend.transact({ compare: [], success: reads }, callOptions());
  for (let states = statesOf(results, context.config.enableVersioning); ; ) {
    for (const [index, write] of writes.entries()) refuseOtherVersion(write, states[index] as KeyState);
    // Nothing to delete, and no version to leave: the revision does not rise.
    if (writes.every(({ value }, index) => value === undefined && states[index]?.value === undefined)) {
      return { version: revision, written: writes.map(() => nothingWritten) };
    }
    const plans = writes.map((write, index) => planWrite(context, write, states[index] as KeyState, note));
    const done = await context.backend.transact(
      {
        compare: plans.flatMap(({ compare }) => compare),
        success: plans.flatMap(({ operations }) => operations),
        failure: reads,
      },
      callOptions(),
    );
    if (done.succeeded) return { version: done.revision, written: plans.map(({ written }) => written) };
    states = statesOf(done.results, context.config.enableVersioning);
  }
}

const nothingWritten: WrittenConfig = { existed: false, createTime: new Date(0), updateTime: new Date(0) };

/** Operations that one write takes at most: put, put of the version, deletion of old versions; and as many comparisons. */
export const operationsPerWrite = 3;

function readsOf({ layout, config }: WriteContext, key: string): Operation[] {
  const value: Operation = { type: 'range', key: layout.valueKey(key) };
  if (!config.enableVersioning) return [value];
  const sort = { by: 'key', order: 'descending' } as const;
  return [value, { type: 'range', ...layout.versionRange(key), limit: 1, keysOnly: true, sort }];
}

function statesOf(results: readonly OperationResult[], versioned: boolean): KeyState[] {
  const found = results.map((result) => (result.type === 'range' ? result.kvs[0] : undefined));
  if (!versioned) return found.map((value) => ({ value, latest: undefined }));
  return Array.from({ length: found.length / 2 }, (_, index) => ({
    value: found[2 * index],
    latest: found[2 * index + 1],
  }));
}

function refuseOtherVersion({ key, version }: ConfigWrite, { value }: KeyState): void {
  const actual = value?.modRevision ?? 0n;
  if (version !== undefined && version !== actual) throw new VersionConflictError(key, version, actual);
}

interface WritePlan {
  readonly compare: readonly Compare[];
  readonly operations: readonly Operation[];
  readonly written: WrittenConfig;
}

function planWrite(context: WriteContext, write: ConfigWrite, state: KeyState, note: WriteNote): WritePlan {
  const { layout, records } = context;
  const { key, value, metadata } = write;
  const updateTime = context.now();
  const createTime = state.value === undefined ? updateTime : records.createTimeOf(state.value);
  const valueKey = layout.valueKey(key);
  const compare: Compare[] = [
    { key: valueKey, target: 'modRevision', result: '=', modRevision: state.value?.modRevision ?? 0n },
  ];
  const existed = state.value !== undefined;
  const written = { existed, createTime, updateTime };
  // A deletion beside other writes may find nothing; it leaves no version either.
  if (value === undefined && !existed) return { compare, operations: [], written };
  const operation: Operation =
    value === undefined
      ? { type: 'delete', key: valueKey }
      : {
          type: 'put',
          key: valueKey,
          value: records.encodeValue(key, value, { createTime, updateTime }, { ...note, metadata }),
        };
  if (!context.config.enableVersioning) return { compare, operations: [operation], written };
  const type = value === undefined ? 'delete' : existed ? 'update' : 'create';
  const history = planVersion(context, key, state.latest, records.encodeVersion(key, type, value, updateTime, note));
  return {
    compare: [...compare, ...history.unchanged],
    operations: [operation, ...history.operations],
    written,
  };
}

function planVersion(
  { layout, config }: WriteContext,
  key: string,
  latest: KeyValue | undefined,
  version: Uint8Array,
): { readonly unchanged: readonly Compare[]; readonly operations: readonly Operation[] } {
  const sequence = latest === undefined ? 1 : layout.sequenceOf(latest.key) + 1;
  const versionKey = layout.versionKey(key, sequence);
  const unchanged: readonly Compare[] =
    latest === undefined
      ? [{ ...layout.versionRange(key), target: 'createRevision', result: '=', createRevision: 0n }]
      : [
          // While the latest is there nothing behind it was ended as too old, so that an absent next one never was.
          { key: latest.key, target: 'modRevision', result: '=', modRevision: latest.modRevision },
          { key: versionKey, target: 'createRevision', result: '=', createRevision: 0n },
        ];
  const put: Operation = { type: 'put', key: versionKey, value: version };
  const firstKept = sequence - config.maxVersionHistory + 1;
  if (firstKept <= 1) return { unchanged, operations: [put] };
  return { unchanged, operations: [put, { type: 'delete', ...layout.versionRange(key, firstKept) }] };
}
