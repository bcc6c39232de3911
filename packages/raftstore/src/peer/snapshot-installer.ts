import type { Message } from '@flotilla/raft';
import { assert, unreachable } from '@flotilla/runtime';
import { failed, outcomeUnknown } from '../region-error.ts';
import type { RegionTaskResult } from '../region-worker/message.ts';
import { decodeSnapshotContent } from '../snapshot/snapshot-content.ts';
import { deleteGivenUp } from './given-up-range.ts';
import type { Peer } from './peer.ts';
import type { InstallStep, SnapshotInstall } from './snapshot-install.ts';

/** Begins to take in the snapshot of an append. */
export function beginInstall(peer: Peer, message: Message): void {
  const { snapshot, term, vote, commit } = message;
  assert(snapshot !== undefined && message.entries.length === 0, 'a snapshot comes alone', { regionId: peer.regionId });
  const content = decodeSnapshotContent(snapshot.data);
  assert(content !== undefined, 'a snapshot is checked before the core sees it', { regionId: peer.regionId });
  const { index, term: snapshotTerm } = snapshot.metadata;
  peer.install = {
    step: 'drain',
    region: content.region,
    index,
    term: snapshotTerm,
    hardState: { term, vote, commit },
    message,
    isAwaiting: false,
    held: [],
  };
  peer.context.claimedRegions.set(peer.regionId, content.region);
  peer.context.snapshots.beginApply({ direction: 'rev', regionId: peer.regionId, term: snapshotTerm, index });
  // Entries up to the snapshot are committed, but whose they are was not seen here.
  for (const { reply } of peer.proposals.drain(index)) {
    reply(failed(outcomeUnknown('a snapshot took the place of the log'), peer.term));
  }
  if (peer.outstanding.isIdle) advanceInstall(peer, 'drain');
}

/**
 * Goes on with a snapshot whose taking in was cut off by the end of the process, at the step `replaceData`: the log was
 * emptied when the region was loaded.
 */
export function resumeInstall(peer: Peer): void {
  const { install, context, regionId } = peer;
  assert(install !== undefined, 'there is a snapshot to go on with', { regionId });
  context.claimedRegions.set(regionId, install.region);
  context.snapshots.beginApply({ direction: 'rev', regionId, term: install.term, index: install.index });
  replaceData(peer, install);
}

/** A step is done: begins the next one. Ignored when the peer is not at that step. */
export function advanceInstall(peer: Peer, done: InstallStep): void {
  const { install } = peer;
  if (install === undefined || install.step !== done || peer.isDestroying) return;
  switch (done) {
    case 'drain':
      install.step = 'begin';
      begin(peer, install);
      return;
    case 'begin':
      install.step = 'resetLog';
      resetLog(peer, install);
      return;
    case 'resetLog':
      install.step = 'replaceData';
      replaceData(peer, install);
      return;
    case 'replaceData':
      install.step = 'finish';
      peer.context.apply({ type: 'finishSnapshot', regionId: peer.regionId });
      return;
    case 'finish':
      finish(peer, install);
      return;
    default:
      unreachable(done, 'install step');
  }
}

/** The data could not be put in place, though the files may be good: the region is neither old nor new until it works. */
export function failInstall(peer: Peer, result: Extract<RegionTaskResult, { type: 'failed' }>): void {
  const { install } = peer;
  if (install?.step !== 'replaceData' || install.isAwaiting) return;
  const { code, message: reason } = result;
  peer.logger.error('a snapshot could not be applied; the region is out of service until it can', { code, reason });
  peer.ticker.retryAfter(peer.context.config.electionTicks, () => {
    if (peer.install === install) replaceData(peer, install);
  });
}

/** The files are damaged, and nothing has been deleted: lets go of them, and of what the core holds back behind them. */
export function discardInstall(peer: Peer, result: Extract<RegionTaskResult, { type: 'damaged' }>): void {
  const { install, context, regionId } = peer;
  const { index, term, code, message: reason } = result;
  if (install?.step !== 'replaceData' || install.index !== index || install.isAwaiting) return;
  peer.logger.error('a received snapshot is damaged; another one is asked for', { index, code, reason });
  context.metrics.snapshotsDamaged += 1;
  context.snapshots.endApply({ direction: 'rev', regionId, term, index });
  context.reloadPeer(peer, { ...install, isAwaiting: true, message: undefined, held: [] });
}

function begin(peer: Peer, install: SnapshotInstall): void {
  const { region, index, term } = install;
  const { regionId, meta } = peer;
  peer.context.apply({ type: 'beginSnapshot', regionId, peerId: meta.id, region, index, term });
}

function resetLog(peer: Peer, install: SnapshotInstall): void {
  const { regionId, meta, storage } = peer;
  const { index, term, hardState } = install;
  const effect = { regionId, message: { type: 'logReset', peerId: meta.id } } as const;
  peer.context.logWriter.add(effect, true, (batch) => storage.reset(batch, index, term, hardState));
}

function replaceData(peer: Peer, install: SnapshotInstall): void {
  const { region, index, term } = install;
  const task = { type: 'apply', regionId: peer.regionId, region, index, term } as const;
  if (peer.context.scheduleRegionTask(task)) return;
  peer.ticker.retrySoon(() => {
    if (peer.install === install) replaceData(peer, install);
  });
}

function finish(peer: Peer, install: SnapshotInstall): void {
  const { context, regionId } = peer;
  const { region, index, term, message, held } = install;
  const before = peer.region;
  peer.install = undefined;
  peer.region = region;
  peer.appliedIndex = index;
  context.claimedRegions.delete(regionId);
  const displaced = context.regions.replace({ region });
  assert(
    displaced.every((entry) => entry.region.id === regionId),
    'a snapshot displaces no other region',
    { regionId },
  );
  deleteGivenUp(peer, before);
  context.snapshots.endApply({ direction: 'rev', regionId, term, index });
  context.snapshotApplied(regionId, index);
  peer.logger.info('the data of a snapshot are in place', { index, term });
  for (const response of message?.responses ?? []) peer.deliver(response);
  for (const append of held) peer.append(append);
  peer.runReads();
}
