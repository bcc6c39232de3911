import { dataKey, dataRange, type Engine, putApplyState, RaftLogStore, userKey } from '@flotilla/engine';
import { eraftpb, raft_serverpb } from '@flotilla/protocol';

const regionId = 1;

/** Appends entries to a region's log, and votes and entries are durable when it resolves. */
export async function append(
  raft: Engine,
  entries: readonly eraftpb.Entry[],
  previousLastIndex: number,
): Promise<void> {
  const [first, last] = [entries[0], entries.at(-1)];
  if (first === undefined || last === undefined) return;
  const log = new RaftLogStore(raft);
  const batch = raft.batch();
  log.appendEntries(batch, regionId, first.index, entries.map(eraftpb.Entry.encode), previousLastIndex);
  const hardState = eraftpb.HardState.create({ term: last.term, commit: last.index });
  log.putState(batch, regionId, { hardState, lastIndex: last.index, lastTerm: last.term });
  await raft.write(batch, { sync: true });
}

/** Applies the log from `applied` on: data and applied index reach the kv database together or not at all. */
export async function apply(raft: Engine, kv: Engine, applied: number, committed: number): Promise<void> {
  const batch = kv.batch();
  for (const payload of new RaftLogStore(raft).entriesSync(regionId, applied + 1, committed + 1, 1_000_000)) {
    const { index, data } = eraftpb.Entry.decode(payload);
    batch.put(dataKey('default', data), Buffer.from(`applied at ${index}`));
  }
  putApplyState(batch, regionId, raft_serverpb.RaftApplyState.create({ appliedIndex: committed }));
  await kv.write(batch, { sync: true });
}

/** Every key of the default column family, read from one view while writers go on. */
export async function* keys(kv: Engine): AsyncGenerator<string> {
  const snapshot = kv.snapshot();
  try {
    for await (const pairs of snapshot.iterate(dataRange('default', Buffer.of(), Buffer.of()))) {
      for (const { key } of pairs) yield Buffer.from(userKey('default', key)).toString();
    }
  } finally {
    await snapshot.close();
  }
}
