import type { TaskHandler } from '@flotilla/actor';
import {
  columnFamilies,
  dataKey,
  dataRange,
  type Engine,
  type EngineReader,
  readApplyState,
  readRegionState,
  userKey,
} from '@flotilla/engine';
import { type metapb, raft_serverpb } from '@flotilla/protocol';
import { unreachable } from '@flotilla/runtime';
import type { SnapshotDirectory } from '../snapshot/snapshot-directory.ts';
import { SnapshotError } from '../snapshot/snapshot-error.ts';
import { PairFileWriter, readPairs, summarizeFile } from '../snapshot/snapshot-file.ts';
import { familyFileName, type SnapshotKey } from '../snapshot/snapshot-key.ts';
import { readSnapshotMeta, writeSnapshotMeta } from '../snapshot/snapshot-meta.ts';
import type { RegionTask, RegionTaskResult } from './message.ts';

const chunkBytes = 1024 * 1024;
const pairsPerRead = 512;

type Emit = (result: RegionTaskResult) => void;
type ApplyTask = Extract<RegionTask, { type: 'apply' }>;
type DestroyTask = Extract<RegionTask, { type: 'destroy' }>;

/** Handles the region tasks of one store. */
export class RegionTaskHandler implements TaskHandler<RegionTask, RegionTaskResult> {
  readonly #engine: Engine;
  readonly #directory: SnapshotDirectory;
  readonly #closeEngine: (() => Promise<void>) | undefined;

  /** `closeEngine` ends an engine that was opened for this handler alone. */
  constructor(engine: Engine, directory: SnapshotDirectory, closeEngine?: () => Promise<void>) {
    this.#engine = engine;
    this.#directory = directory;
    this.#closeEngine = closeEngine;
  }

  handle(task: RegionTask, emit: Emit): Promise<void> {
    switch (task.type) {
      case 'generate':
        return this.#generate(task.regionId, emit);
      case 'apply':
        return this.#apply(task, emit);
      case 'destroy':
        return this.#destroy(task, emit);
      default:
        return unreachable(task, 'region task');
    }
  }

  async close(): Promise<void> {
    await this.#closeEngine?.();
  }

  /** The index of the snapshot is the applied index that the engine snapshot holds: both come from one batch. */
  async #generate(regionId: number, emit: Emit): Promise<void> {
    const snapshot = this.#engine.snapshot();
    try {
      const state = readRegionState(snapshot, regionId);
      const applied = readApplyState(snapshot, regionId);
      const region = state?.region;
      if (state?.state !== raft_serverpb.PeerState.Normal || region === undefined || applied === undefined) {
        throw new SnapshotError('regionNotReady', `region ${regionId} is not in a state to be copied`);
      }
      const key: SnapshotKey = {
        direction: 'gen',
        regionId,
        term: applied.appliedTerm,
        index: applied.appliedIndex,
      };
      const cfFiles: raft_serverpb.SnapshotCFFile[] = [];
      for (const family of columnFamilies) cfFiles.push(await this.#writeFamily(snapshot, region, key, family));
      const meta = { cfFiles };
      await writeSnapshotMeta(this.#directory, key, meta);
      const totalBytes = cfFiles.reduce((sum, file) => sum + file.size, 0);
      emit({ type: 'generated', regionId, region, index: key.index, term: key.term, meta, totalBytes });
    } finally {
      await snapshot.close();
    }
  }

  async #writeFamily(
    reader: EngineReader,
    region: metapb.Region,
    key: SnapshotKey,
    family: (typeof columnFamilies)[number],
  ): Promise<raft_serverpb.SnapshotCFFile> {
    const writer = new PairFileWriter(await this.#directory.create(familyFileName(key, family)));
    try {
      const range = dataRange(family, region.startKey, region.endKey);
      for await (const pairs of reader.iterate(range, pairsPerRead)) {
        await writer.write(pairs.map((pair) => ({ key: userKey(family, pair.key), value: pair.value })));
      }
    } catch (error) {
      await writer.abort();
      throw error;
    }
    const { bytes, checksum } = await writer.commit();
    return { cf: family, size: bytes, checksum };
  }

  /** Checks every file before the first key is deleted: damaged files leave the region as it was. */
  async #apply(task: ApplyTask, emit: Emit): Promise<void> {
    const { regionId, region, index, term } = task;
    const key: SnapshotKey = { direction: 'rev', regionId, term, index };
    const meta = await readSnapshotMeta(this.#directory, key);
    for (const file of meta.cfFiles) await this.#check(key, file);
    await this.#deleteData(region.startKey, region.endKey);
    for (const family of columnFamilies) {
      if (meta.cfFiles.some((file) => file.cf === family)) await this.#ingest(key, family);
    }
    await this.#engine.write(this.#engine.batch(), { sync: true });
    emit({ type: 'applied', regionId, index, term });
  }

  async #check(key: SnapshotKey, file: raft_serverpb.SnapshotCFFile): Promise<void> {
    const name = familyFileName(key, file.cf);
    const found = await summarizeFile(this.#directory, name, chunkBytes);
    if (found.bytes === file.size && found.checksum === file.checksum) return;
    throw new SnapshotError('checksumMismatch', `${name} is not the file that was sent`);
  }

  async #ingest(key: SnapshotKey, family: (typeof columnFamilies)[number]): Promise<void> {
    for await (const pairs of readPairs(this.#directory, familyFileName(key, family), chunkBytes)) {
      const batch = this.#engine.batch();
      for (const pair of pairs) batch.put(dataKey(family, pair.key), pair.value);
      await this.#engine.write(batch, { sync: false });
    }
  }

  async #destroy(task: DestroyTask, emit: Emit): Promise<void> {
    await this.#deleteData(task.startKey, task.endKey);
    emit({ type: 'destroyed', regionId: task.regionId });
  }

  async #deleteData(startKey: Uint8Array, endKey: Uint8Array): Promise<void> {
    for (const family of columnFamilies) await this.#engine.deleteRange(dataRange(family, startKey, endKey));
  }
}
