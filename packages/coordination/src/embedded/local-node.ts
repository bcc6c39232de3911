import { mkdir, open, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { checkDatabaseMark, type Engine, MemoryEngine, openClassicLevelEngine } from '@flotilla/engine';
import {
  MemorySnapshotDirectory,
  openRaftStore,
  type RaftStore,
  type RegionMachineKind,
  type Transport,
} from '@flotilla/raftstore';
import type { Runtime } from '@flotilla/runtime';
import { LocalSchedulerClient, SchedulerCore } from '@flotilla/scheduler';
import type { SchedulerClient } from '@flotilla/scheduler-client';
import { createLocalStore, type LocalStoreCalls } from '@flotilla/server/local-store';

/** What a node of this process is opened on. */
export interface LocalNodeOptions {
  readonly runtime: Runtime;
  /** Where it keeps its data, for one process at a time; in memory unless given. */
  readonly dataDirectory?: string | undefined;
  readonly machines: readonly RegionMachineKind[];
}

/** A store and its scheduler in this process, without a socket: a cluster of one. */
export interface LocalNode {
  readonly store: RaftStore;
  readonly schedulerClient: SchedulerClient;
  readonly localStore: LocalStoreCalls;
  close(): Promise<void>;
}

/** Written once all databases are there: from then on none of them may be new. */
const markerName = 'COORDINATION';

/**
 * Opens a cluster of one: the real store and the real scheduler over databases in a directory, or in memory.
 *
 * @throws {EngineError} when the directory is in use, cannot be written to or is damaged; {RaftStoreError} as the store does.
 */
export async function openLocalNode(options: LocalNodeOptions): Promise<LocalNode> {
  const closing: (() => Promise<void>)[] = [];
  const close = async (): Promise<void> => {
    for (let end = closing.pop(); end !== undefined; end = closing.pop()) await end();
  };
  try {
    return await openParts(options, closing, close);
  } catch (error) {
    await close();
    throw error;
  }
}

async function openParts(
  { dataDirectory, machines, runtime }: LocalNodeOptions,
  closing: (() => Promise<void>)[],
  close: () => Promise<void>,
): Promise<LocalNode> {
  const isNew = dataDirectory === undefined || !(await hasMarker(dataDirectory));
  const [kvEngine, raftEngine, schedulerEngine] = await openEngines(dataDirectory, isNew, closing);
  const core = await SchedulerCore.open({ engine: schedulerEngine, runtime, config: { maxPeerCount: 1 } });
  closing.push(() => core.close());
  const schedulerClient = new LocalSchedulerClient(core, runtime.timers);
  closing.push(() => schedulerClient.close());
  const store = await openRaftStore({
    runtime,
    kvEngine,
    raftEngine,
    transport: alone,
    schedulerClient,
    storeAddress: '127.0.0.1:1',
    snapshotDirectory:
      dataDirectory === undefined ? new MemorySnapshotDirectory(runtime.clock) : join(dataDirectory, 'snapshots'),
    taskWorkers: 'inline',
    machines,
  });
  closing.push(() => store.close());
  if (dataDirectory !== undefined && isNew) await writeMarker(dataDirectory);
  let isClosing: Promise<void> | undefined;
  return {
    store,
    schedulerClient,
    localStore: createLocalStore(store),
    close() {
      isClosing ??= close();
      return isClosing;
    },
  };
}

async function openEngines(
  directory: string | undefined,
  mayBeNew: boolean,
  closing: (() => Promise<void>)[],
): Promise<readonly [Engine, Engine, Engine]> {
  const openOne = async (name: 'kv' | 'raft' | 'scheduler'): Promise<Engine> => {
    if (directory === undefined) return new MemoryEngine();
    const engine = await openClassicLevelEngine({ path: join(directory, name), createIfMissing: mayBeNew });
    closing.push(() => engine.close());
    // The scheduler's has records of its own that tell a database that was lost.
    if (name !== 'scheduler') await checkDatabaseMark(engine, name, mayBeNew);
    return engine;
  };
  return [await openOne('kv'), await openOne('raft'), await openOne('scheduler')];
}

/** Whether the directory, which is made if need be, has held a node before. */
async function hasMarker(directory: string): Promise<boolean> {
  await mkdir(directory, { recursive: true });
  return (await readdir(directory)).includes(markerName);
}

async function writeMarker(directory: string): Promise<void> {
  const file = await open(join(directory, markerName), 'w');
  try {
    await file.writeFile(`${JSON.stringify({ format: 1 })}\n`);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** There are no other stores. */
const alone: Transport = {
  send: () => 'unknownStore',
  sendSnapshot: () => Promise.reject(new Error('this node is alone')),
};
