import { open, readdir, readFile, rename, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { makeWritable } from '@flotilla/program';
import { z } from 'zod';
import { NodeError } from './node-error.ts';

/**
 * What a node keeps, and where:
 *
 * ```
 * FLOTILLA     this is a node's directory: format, and whose it is once known
 * kv/          data and region states
 * raft/        raft logs
 * snapshots/   snapshots of regions, being sent and received
 * scheduler/   the scheduler's database, where it runs inside the node
 * ```
 *
 * The marker exists before the databases do. So a database that turns out empty although the marker names a store has lost
 * its data, and must not be taken for new; and a database without a marker is not ours to write to.
 */
export interface DataDirectory {
  readonly path: string;
  readonly kvPath: string;
  readonly raftPath: string;
  readonly snapshotPath: string;
  readonly schedulerPath: string;
  /** What the marker says. */
  readonly identity: DirectoryIdentity;
}

/** 2: users' keys stand behind a prefix. A directory of format 1 has them without, where nobody would look for them. */
const formatVersion = 2;

const markerSchema = z.object({
  format: z.number().int(),
  /** Both unset until the store has joined its cluster. */
  clusterId: z.number().int().min(1).optional(),
  storeId: z.number().int().min(1).optional(),
});

/** Whose a directory is. */
export interface DirectoryIdentity {
  readonly clusterId?: number | undefined;
  readonly storeId?: number | undefined;
}

/**
 * Makes the directory if need be and checks that it is one of ours that can be written to.
 *
 * @throws {NodeError} `directoryNotWritable`, `otherVersion` or `damagedData`; nothing is changed then.
 */
export async function openDataDirectory(dataDir: string): Promise<DataDirectory> {
  const path = resolve(dataDir);
  const inside = (name: string): string => join(path, name);
  await makeWritable(path, (message, options) => new NodeError('directoryNotWritable', message, options));
  const identity = (await readMarker(path)) ?? (await writeFirstMarker(path));
  return {
    path,
    kvPath: inside('kv'),
    raftPath: inside('raft'),
    snapshotPath: inside('snapshots'),
    schedulerPath: inside('scheduler'),
    identity,
  };
}

/** Records whose the directory is, durably. The caller holds the databases' locks. */
export async function recordIdentity(directory: DataDirectory, identity: DirectoryIdentity): Promise<void> {
  await writeMarker(directory.path, identity);
}

/**
 * Checks the directory against the cluster that the node is about to join.
 *
 * @throws {NodeError} `otherCluster`.
 */
export function checkCluster({ path, identity }: DataDirectory, clusterId: number): void {
  if (identity.clusterId === undefined || identity.clusterId === clusterId) return;
  throw new NodeError(
    'otherCluster',
    `${path} belongs to cluster ${identity.clusterId}, but the scheduler is that of cluster ${clusterId}; ` +
      'point --scheduler at the right one, or --data-dir at a directory of its own for this cluster',
  );
}

async function readMarker(path: string): Promise<DirectoryIdentity | undefined> {
  let text: string;
  try {
    text = await readFile(markerPath(path), 'utf8');
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new NodeError('directoryNotWritable', `cannot read ${markerPath(path)}`, { cause });
  }
  const marker = parseMarker(text);
  if (marker === undefined) {
    throw new NodeError('damagedData', `${markerPath(path)} is damaged: it should be one JSON object with a format`);
  }
  if (marker.format !== formatVersion) {
    throw new NodeError(
      'otherVersion',
      `${path} is of format ${marker.format}; this version reads format ${formatVersion}`,
    );
  }
  return marker;
}

function parseMarker(text: string): z.infer<typeof markerSchema> | undefined {
  try {
    return markerSchema.parse(JSON.parse(text));
  } catch {
    return undefined;
  }
}

async function writeFirstMarker(path: string): Promise<DirectoryIdentity> {
  const names = await readdir(path);
  const found = ['kv', 'raft'].filter((name) => names.includes(name));
  if (found.length > 0) {
    throw new NodeError(
      'damagedData',
      `${path} holds ${found.join(' and ')} but no FLOTILLA marker: either it is not a node's directory, or it lost a file`,
    );
  }
  await writeMarker(path, {});
  return {};
}

/** A rename shows either the old marker or the new one, and the directory's own sync keeps it there. */
async function writeMarker(path: string, identity: DirectoryIdentity): Promise<void> {
  const temporary = `${markerPath(path)}.${process.pid}.tmp`;
  try {
    const file = await open(temporary, 'w');
    try {
      await file.writeFile(`${JSON.stringify({ format: formatVersion, ...identity })}\n`);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, markerPath(path));
    const directory = await open(path, 'r');
    try {
      await directory.sync();
    } finally {
      await directory.close();
    }
  } catch (cause) {
    await rm(temporary, { force: true });
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new NodeError('directoryNotWritable', `cannot write ${markerPath(path)}: ${reason}`, { cause });
  }
}

function markerPath(path: string): string {
  return join(path, 'FLOTILLA');
}
