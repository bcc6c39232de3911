// LevelDB with a damaged MANIFEST may open as an empty database, or as an old one, without a word. So each database holds a
// mark that says which one it is and in which format. Whoever opens it knows from elsewhere – the marker file of the data
// directory – whether it may be new.
import { Buffer } from 'node:buffer';
import type { Engine } from './engine.ts';
import { EngineError } from './engine-error.ts';
import { databaseMarkKey } from './key-layout.ts';

/** The version of key layout and record formats that this code reads and writes. */
export const databaseFormatVersion = 1;

/**
 * Checks the mark of a database that was just opened, and writes it, synced, into one that may be new and is empty. The mark
 * is the text `NAME VERSION`, such as `kv 1`.
 *
 * @throws {EngineError} `engineCorrupted` when there is no mark though the database is not new or not empty, or when it is the
 * mark of another database; `formatVersionMismatch`.
 */
export async function checkDatabaseMark(engine: Engine, name: string, mayBeNew: boolean): Promise<void> {
  const mark = engine.getSync(databaseMarkKey);
  if (mark === undefined) {
    await writeMark(engine, name, mayBeNew);
    return;
  }
  const text = Buffer.from(mark).toString();
  const parsed = /^(?<found>\S+) (?<version>\d+)$/.exec(text);
  if (parsed?.groups?.['found'] !== name) {
    throw new EngineError(
      'engineCorrupted',
      `the database is marked ${JSON.stringify(text)}, not ${name}`,
      engine.path,
    );
  }
  const version = Number(parsed.groups['version']);
  if (version === databaseFormatVersion) return;
  throw new EngineError(
    'formatVersionMismatch',
    `the database has format ${version}; this version reads format ${databaseFormatVersion}`,
    engine.path,
  );
}

/** Whether a database holds nothing but its mark. */
export async function isBlank(engine: Engine): Promise<boolean> {
  const pairs = await engine.scan({ start: new Uint8Array(0), limit: 2 });
  return pairs.every((pair) => Buffer.compare(pair.key, databaseMarkKey) === 0);
}

async function writeMark(engine: Engine, name: string, mayBeNew: boolean): Promise<void> {
  if (!mayBeNew) {
    throw new EngineError(
      'engineCorrupted',
      `the ${name} database has lost its mark, and so what it held`,
      engine.path,
    );
  }
  if (!(await isBlank(engine))) {
    throw new EngineError('engineCorrupted', `the database holds data but no mark of ${name}`, engine.path);
  }
  const batch = engine.batch();
  batch.put(databaseMarkKey, Buffer.from(`${name} ${databaseFormatVersion}`));
  await engine.write(batch, { sync: true });
}
