import type { metapb } from '@flotilla/protocol';
import type { ConfChange } from '@flotilla/raft';
import { unreachable } from '@flotilla/runtime';
import type { ApplyChange, ApplyResult } from '../apply/message.ts';
import { findPeer } from '../region.ts';
import { tombstoneNotice } from './incoming-message.ts';
import type { Peer } from './peer.ts';
import { advanceInstall } from './snapshot-installer.ts';
import { followSplit } from './split-follow-up.ts';

type Applied = Extract<ApplyResult, { type: 'applied' }>;
type ConfChanged = Extract<ApplyChange, { type: 'confChange' }>;
type LogCompacted = Extract<ApplyChange, { type: 'compactLog' }>;

/** Follows what has been applied: changes first, then the core is told, then the reads that waited for it run. */
export function handleApplied(peer: Peer, result: Applied): void {
  peer.appliedIndex = result.index;
  peer.appliedTerm = result.term;
  peer.splitCheck.noteWritten(result.writtenBytes);
  peer.flow.noteWritten(result.writtenBytes, result.writtenKeys);
  peer.ticker.noteApplied(peer);
  for (const change of result.changes) {
    followChange(peer, change);
    if (peer.isDestroying) return;
  }
  for (const response of result.responses) peer.deliver(response);
  peer.runReads();
  if (peer.install?.step === 'drain' && peer.outstanding.isIdle) advanceInstall(peer, 'drain');
}

function followChange(peer: Peer, change: ApplyChange): void {
  switch (change.type) {
    case 'confChange':
      followConfChange(peer, change);
      return;
    case 'confChangeRefused':
      peer.node.applyConfChange(noChange);
      return;
    case 'compactLog':
      followCompaction(peer, change);
      return;
    case 'split':
      followSplit(peer, change);
      return;
    default:
      unreachable(change, 'apply change');
  }
}

/** What the core is given in the place of a change that was refused. */
const noChange: ConfChange = {
  transition: 'auto',
  steps: [{ kind: 'update', nodeId: 0 }],
  context: new Uint8Array(0),
};

function followConfChange(peer: Peer, { confChange, region }: ConfChanged): void {
  const { context, meta } = peer;
  const wasLeader = peer.isLeader;
  const removed = peer.region.peers.filter(({ id }) => findPeer(region, id) === undefined);
  peer.region = region;
  context.regions.update({ region });
  for (const { id } of removed) peer.introduced.delete(id);
  peer.node.applyConfChange(confChange);
  peer.lease?.end(peer.node);
  peer.logger.debug('the region changed its members', { peers: region.peers, confVer: region.regionEpoch?.confVer });
  if (findPeer(region, meta.id) === undefined) {
    peer.destroy('removed from its region');
  } else if (wasLeader) {
    peer.ticker.heartbeatSoon();
    for (const gone of removed) sayFarewell(peer, gone);
  }
}

/** A learner never asks for votes, and a voter is not told of the commit: it would be long until they found out. */
function sayFarewell(peer: Peer, gone: metapb.Peer): void {
  const { context, meta, region, regionId } = peer;
  context.send(tombstoneNotice({ regionId, fromPeer: gone, toPeer: meta }, region.regionEpoch));
}

function followCompaction(peer: Peer, change: LogCompacted): void {
  peer.context.metrics.logCompactions += 1;
  peer.storage.compact(change.truncated);
  peer.ticker.collectLog(peer);
}
