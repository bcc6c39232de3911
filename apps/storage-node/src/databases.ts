import { checkDatabaseMark, type Engine, openClassicLevelEngine } from '@flotilla/engine';
import type { CleanupStack } from './cleanup-stack.ts';
import type { DataDirectory } from './data-directory.ts';
import { NodeError, toNodeError } from './node-error.ts';

/** The two databases of a store. */
export interface Databases {
  readonly kv: Engine;
  readonly raft: Engine;
}

/**
 * Opens the databases, which takes their locks: from here on the directory is this process's.
 *
 * @throws {NodeError} `directoryInUse`, or `damagedData` also when a database is gone that the marker says was in use.
 */
export async function openDatabases(directory: DataDirectory, cleanup: CleanupStack): Promise<Databases> {
  const mayBeNew = directory.identity.storeId === undefined;
  const open = async (name: string, path: string): Promise<Engine> => {
    try {
      const engine = await openClassicLevelEngine({ path, createIfMissing: mayBeNew });
      cleanup.push(`the ${name} database`, () => engine.close());
      await checkDatabaseMark(engine, name, mayBeNew);
      return engine;
    } catch (error) {
      throw nameFailure(directory, error);
    }
  };
  return { kv: await open('kv', directory.kvPath), raft: await open('raft', directory.raftPath) };
}

function nameFailure(directory: DataDirectory, cause: unknown): NodeError {
  const error = toNodeError(`cannot open the data directory ${directory.path}`, cause);
  if (error.code === 'directoryInUse') {
    return new NodeError(
      'directoryInUse',
      `${directory.path} is in use by another process; stop it, or give this node a --data-dir of its own`,
      { cause },
    );
  }
  return error;
}
