import type { EngineReader } from '@flotilla/engine';
import type { Runtime } from '@flotilla/runtime';
import { decodeNumber, encodeNumber, layoutKeys, layoutVersion, SchedulerDataError } from './data-layout.ts';
import type { DurableWriter } from './durable-writer.ts';

/** Bits of a cluster id that are drawn at random; those above are the seconds of its birth, 52 bits in all until 2038. */
const randomBits = 21;

/**
 * The id of the cluster in this database; a new one, made durable, when the database is empty.
 *
 * @throws {SchedulerDataError} with code `notASchedulerDatabase`, `formatVersionMismatch` or `schedulerDataCorrupted`.
 */
export async function openClusterIdentity(
  reader: EngineReader,
  writer: DurableWriter,
  runtime: Runtime,
): Promise<number> {
  const version = await reader.get(layoutKeys.version);
  if (version === undefined) return createIdentity(reader, writer, runtime);
  const found = decodeNumber(version, 'the layout version');
  if (found !== layoutVersion) {
    const message = `the database has layout version ${found}; this scheduler reads and writes version ${layoutVersion}`;
    throw new SchedulerDataError('formatVersionMismatch', message);
  }
  const clusterId = await reader.get(layoutKeys.clusterId);
  if (clusterId === undefined) throw new SchedulerDataError('schedulerDataCorrupted', 'the cluster id is missing');
  return decodeNumber(clusterId, 'the cluster id');
}

async function createIdentity(reader: EngineReader, writer: DurableWriter, runtime: Runtime): Promise<number> {
  const strangers = await reader.scan({ start: new Uint8Array([0]), limit: 1 });
  if (strangers.length > 0) {
    throw new SchedulerDataError('notASchedulerDatabase', 'the database holds data, but not that of a scheduler');
  }
  const seconds = Math.floor(runtime.clock.wallMs() / 1000);
  const clusterId = seconds * 2 ** randomBits + runtime.random.integer(0, 2 ** randomBits);
  await writer.write((batch) => {
    batch.put(layoutKeys.version, encodeNumber(layoutVersion));
    batch.put(layoutKeys.clusterId, encodeNumber(clusterId));
  });
  return clusterId;
}
