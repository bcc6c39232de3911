import { type ConfChange, decodeConfChange } from '@flotilla/raft';
import { assert, unreachable } from '@flotilla/runtime';
import type { ApplyChange, ApplyResult } from '../apply/message.ts';
import type { Peer } from './peer.ts';
import { advanceInstall } from './snapshot-installer.ts';

type Applied = Extract<ApplyResult, { type: 'applied' }>;
type ConfChanged = Extract<ApplyChange, { type: 'confChange' }>;
type LogCompacted = Extract<ApplyChange, { type: 'compactLog' }>;

/** Follows what has been applied: changes first, then the core is told, then the reads that waited for it run. */
export function handleApplied(peer: Peer, result: Applied): void {
  peer.appliedIndex = result.index;
  peer.ticker.noteWritten(result.writtenBytes);
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

function followConfChange(peer: Peer, change: ConfChanged): void {
  const { context, meta } = peer;
  const { entry, region } = change;
  assert(entry.type !== 'normal', 'a membership change comes from an entry of its own type');
  const confChange = decodeConfChange(entry.type, entry.data);
  assert(confChange !== undefined, 'a membership change that was applied can be decoded', { index: entry.index });
  const wasLeader = peer.isLeader;
  peer.region = region;
  context.regions.update({ region });
  if (change.isRemoval) peer.introduced.delete(change.peer.id);
  peer.node.applyConfChange(confChange);
  peer.logger.debug('the region changed its members', {
    change: change.isRemoval ? 'remove' : 'add',
    changed: change.peer,
    confVer: region.regionEpoch?.confVer,
  });
  if (change.isRemoval && change.peer.id === meta.id) peer.destroy('removed from its region');
  else if (wasLeader) peer.ticker.heartbeatSoon();
}

function followCompaction(peer: Peer, change: LogCompacted): void {
  peer.context.metrics.logCompactions += 1;
  peer.storage.compact(change.truncated);
  peer.ticker.collectLog(peer);
}
