import {
  allRegionRaftRange,
  allRegionStateRange,
  type Engine,
  logEntryRange,
  parseRegionKey,
  type RaftLogStore,
  readApplyState,
  readRegionState,
  regionRaftRange,
} from '@flotilla/engine';
import { type metapb, raft_serverpb } from '@flotilla/protocol';
import { initialIndex, initialRaftState, isRaftStateInitial } from './initial-state.ts';
import { RaftStoreError } from './store-error.ts';

/** What a store has of one region, checked. */
export interface LoadedRegion {
  readonly region: metapb.Region;
  readonly raftState: raft_serverpb.RaftLocalState;
  readonly applyState: raft_serverpb.RaftApplyState;
  /** Whether the end of the process cut off the taking in of a snapshot, at `applyState`'s index. */
  readonly isApplying: boolean;
}

/**
 * Reads the regions of a store and checks that what both databases say fits together: every log record's checksum, no gap
 * between what is applied and the log's end, an applied index within the log.
 *
 * @throws {CorruptedRecordError} or {RaftStoreError} with code `corrupted`, naming the place.
 */
export async function loadRegions(kvEngine: Engine, logStore: RaftLogStore): Promise<LoadedRegion[]> {
  const regionIds: number[] = [];
  for await (const pairs of kvEngine.iterate(allRegionStateRange)) {
    for (const { key } of pairs) {
      const parsed = parseRegionKey(key);
      if (parsed?.type === 'regionState') regionIds.push(parsed.regionId);
    }
  }
  await refuseUnknownLogs(logStore, new Set(regionIds));
  const loaded: LoadedRegion[] = [];
  for (const regionId of regionIds) {
    const region = await loadRegion(kvEngine, logStore, regionId);
    if (region !== undefined) loaded.push(region);
  }
  return loaded;
}

/**
 * A log whose region the kv database does not know is damage: region states are synced before the first entry is written, and
 * tombstones stay. Taken for a peer that was never here, it would come back empty and vote against what it had acknowledged.
 */
async function refuseUnknownLogs(logStore: RaftLogStore, known: ReadonlySet<number>): Promise<void> {
  for (let { start } = allRegionRaftRange; ; ) {
    const [first] = await logStore.engine.scan({ ...allRegionRaftRange, start, limit: 1 });
    const found = first === undefined ? undefined : parseRegionKey(first.key);
    if (found === undefined) return;
    const { regionId } = found;
    // Entries come before the state. A state alone may be a vote, or what a bootstrap left behind that was cut off.
    const hasLog = found.type === 'logEntry' || (logStore.stateSync(regionId)?.lastIndex ?? 0) > initialIndex;
    if (hasLog && !known.has(regionId)) throw damaged(regionId, 'it has a log and no region state');
    start = regionRaftRange(regionId).end ?? start;
  }
}

async function loadRegion(
  kvEngine: Engine,
  logStore: RaftLogStore,
  regionId: number,
): Promise<LoadedRegion | undefined> {
  const state = readRegionState(kvEngine, regionId);
  const region = state?.region;
  if (state === undefined || region === undefined) throw damaged(regionId, 'its region state names no region');
  if (state.state === raft_serverpb.PeerState.Tombstone) {
    // The log goes after the tombstone; a crash between the two leaves it behind. A state without a log may be the vote of a
    // newer peer that has no region state yet: that one stays.
    if ((logStore.stateSync(regionId)?.lastIndex ?? 0) > 0) await logStore.deleteRegionRange(regionId);
    return undefined;
  }
  const applyState = readApplyState(kvEngine, regionId);
  if (applyState?.truncatedState === undefined) throw damaged(regionId, 'its apply state is missing');
  if (state.state === raft_serverpb.PeerState.Applying) return resumed(logStore, region, applyState);
  const beginning = await newborn(logStore, region, applyState);
  if (beginning !== undefined) return beginning;
  const truncated = applyState.truncatedState;
  const { state: raftState } = await logStore.verifyRegion(regionId, truncated.index + 1);
  if (raftState === undefined) throw damaged(regionId, 'its raft state is missing');
  const { durableIndex, durableTerm } = applyState;
  if (applyState.appliedIndex > raftState.lastIndex || durableIndex < truncated.index) {
    throw damaged(
      regionId,
      `applied ${applyState.appliedIndex}, durable ${durableIndex} and truncated ${truncated.index} do not fit a log that ends at ${raftState.lastIndex}`,
    );
  }
  // What was applied is committed, even if the commit index that said so was not yet on disk.
  const commit = Math.max(raftState.hardState?.commit ?? 0, applyState.appliedIndex);
  const hardState = { ...(raftState.hardState ?? { term: 0, vote: 0, commit: 0 }), commit };
  return {
    region,
    raftState: { ...raftState, hardState },
    applyState: { ...applyState, appliedIndex: durableIndex, appliedTerm: durableTerm },
    isApplying: false,
  };
}

/**
 * A region that a split made and whose peer has appended nothing yet. What is applied does not tell, because that is not
 * synced; a log does, and every entry of it was written together with a raft state.
 */
async function newborn(
  logStore: RaftLogStore,
  region: metapb.Region,
  applyState: raft_serverpb.RaftApplyState,
): Promise<LoadedRegion | undefined> {
  const found = logStore.stateSync(region.id);
  if (!isRaftStateInitial(found, applyState)) return undefined;
  const entries = await logStore.engine.scan({ ...logEntryRange(region.id, 0), limit: 1 });
  if (entries.length > 0) throw damaged(region.id, 'it has a log and no raft state');
  return { region, raftState: initialRaftState(found?.hardState), applyState, isApplying: false };
}

/**
 * A region whose snapshot was on its way in. Its log counts for nothing: what it has is from before the snapshot, which
 * covers it, because appends are held back meanwhile. Term and vote do count.
 */
async function resumed(
  logStore: RaftLogStore,
  region: metapb.Region,
  applyState: raft_serverpb.RaftApplyState,
): Promise<LoadedRegion> {
  const { appliedIndex: index, appliedTerm: term } = applyState;
  const found = logStore.stateSync(region.id);
  const before = found?.hardState ?? { term: 0, vote: 0, commit: 0 };
  const hardState = before.term >= term ? { ...before, commit: index } : { term, vote: 0, commit: index };
  const raftState = { hardState, lastIndex: index, lastTerm: term };
  const batch = logStore.engine.batch();
  // Before the entries go: a state that ends at the snapshot with entries behind it is read again as it is here.
  logStore.putState(batch, region.id, raftState);
  await logStore.engine.write(batch, { sync: true });
  await logStore.deleteRange(region.id, 0, Math.max(found?.lastIndex ?? 0, index) + 1);
  return { region, raftState, applyState, isApplying: true };
}

function damaged(regionId: number, what: string): RaftStoreError {
  return new RaftStoreError('corrupted', `region ${regionId}: ${what}`);
}
