/** Names one snapshot of a region: its content is determined by these three. */
export interface SnapshotKey {
  readonly regionId: number;
  readonly term: number;
  readonly index: number;
  /** Generated here to be sent, or received to be applied. */
  readonly direction: 'gen' | 'rev';
}

const namePattern = /^(gen|rev)_(\d{1,16})_(\d{1,16})_(\d{1,16})_(default|write|lock|meta)$/;

/** The common beginning of the names of a snapshot's files. */
export function snapshotName(key: SnapshotKey): string {
  return `${key.direction}_${key.regionId}_${key.term}_${key.index}`;
}

/** The name of the file that holds one column family; letters, digits and underscores only, so it stays in its directory. */
export function familyFileName(key: SnapshotKey, family: string): string {
  return `${snapshotName(key)}_${family}`;
}

/** The name of the file that lists the others; it is written last, so a snapshot with it is whole. */
export function metaFileName(key: SnapshotKey): string {
  return `${snapshotName(key)}_meta`;
}

/** The snapshot that a file belongs to; `undefined` for any other file, temporary ones included. */
export function parseSnapshotFileName(name: string): SnapshotKey | undefined {
  const match = namePattern.exec(name);
  if (match === null) return undefined;
  const [, direction, regionId, term, index] = match;
  return {
    direction: direction === 'gen' ? 'gen' : 'rev',
    regionId: Number(regionId),
    term: Number(term),
    index: Number(index),
  };
}
