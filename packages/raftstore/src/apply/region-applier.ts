import { putApplyState, putRegionState, type WriteBatch } from '@flotilla/engine';
import { eraftpb, type errorpb, type metapb, raft_cmdpb, raft_serverpb } from '@flotilla/protocol';
import type { Entry } from '@flotilla/raft';
import { assert } from '@flotilla/runtime';
import { epochOf } from '@flotilla/scheduler-client';
import { findPeer, findPeerOnStore, withPeerAdded, withPeerRemoved } from '../region.ts';
import { epochNotMatch, failed, invalidRequest, staleCommand } from '../region-error.ts';
import type { CommandResult } from '../store-handle.ts';
import { applyWrites } from './command.ts';
import type { ApplyChange } from './message.ts';

const { AdminCmdType } = raft_cmdpb;

/** What applying one entry came to. */
export interface AppliedEntry {
  readonly result: CommandResult;
  readonly change?: ApplyChange | undefined;
}

/**
 * Applies the entries of one region: the same entries in the same order give the same state on every replica, so nothing
 * here depends on the store, the clock or chance.
 */
export class RegionApplier {
  readonly regionId: number;
  readonly peerId: number;
  #region: metapb.Region;
  #state: raft_serverpb.RaftApplyState;

  constructor(peerId: number, region: metapb.Region, state: raft_serverpb.RaftApplyState) {
    this.regionId = region.id;
    this.peerId = peerId;
    this.#region = region;
    this.#state = state;
  }

  get region(): metapb.Region {
    return this.#region;
  }

  get state(): raft_serverpb.RaftApplyState {
    return this.#state;
  }

  /** Whether an applied entry removed this store's peer: what follows in the log is not for it. */
  get isRemoved(): boolean {
    return findPeer(this.#region, this.peerId) === undefined;
  }

  /**
   * Adds one entry's effect to the batch. `request` is the entry's command where it is known without decoding.
   *
   * @throws {WireError} when the entry holds no command: replicas would differ if it were skipped.
   */
  apply(entry: Entry, batch: WriteBatch, request: raft_cmdpb.RaftCmdRequest | undefined): AppliedEntry {
    assert(entry.index === this.#state.appliedIndex + 1, 'entries are applied in log order', {
      regionId: this.regionId,
      index: entry.index,
      appliedIndex: this.#state.appliedIndex,
    });
    this.#state = { ...this.#state, appliedIndex: entry.index, appliedTerm: entry.term };
    if (entry.data.length === 0) return { result: failed(staleCommand(), entry.term) };
    if (entry.type === 'normal') {
      return this.#applyCommand(entry, request ?? raft_cmdpb.RaftCmdRequest.decode(entry.data), batch);
    }
    const { context } = eraftpb.ConfChange.decode(entry.data);
    return this.#applyChangePeer(entry, request ?? raft_cmdpb.RaftCmdRequest.decode(context), batch);
  }

  /** Adds the applied index to the batch that holds the entries' effects; a synced batch makes all of them durable. */
  saveState(batch: WriteBatch, isSynced: boolean): void {
    if (isSynced) {
      const { appliedIndex, appliedTerm } = this.#state;
      this.#state = { ...this.#state, durableIndex: appliedIndex, durableTerm: appliedTerm };
    }
    putApplyState(batch, this.regionId, this.#state);
  }

  #applyCommand(entry: Entry, request: raft_cmdpb.RaftCmdRequest, batch: WriteBatch): AppliedEntry {
    if (request.adminRequest !== undefined) return this.#applyAdmin(entry, request.adminRequest);
    if (epochOfRequest(request).version !== epochOf(this.#region).version) {
      return this.#refuse(entry, epochNotMatch([this.#region]));
    }
    const outcome = applyWrites(request, this.#region, batch);
    if (!Array.isArray(outcome)) return this.#refuse(entry, outcome);
    return { result: succeeded(entry.term, { responses: outcome }) };
  }

  #applyAdmin(entry: Entry, request: raft_cmdpb.AdminRequest): AppliedEntry {
    if (request.cmdType === AdminCmdType.CompactLog && request.compactLog !== undefined) {
      return this.#compactLog(entry, request.compactLog);
    }
    return this.#refuse(entry, invalidRequest('adminRequest', 'not an admin command that is logged'));
  }

  /** Epochs do not matter here: the log's start means the same after any split or membership change. */
  #compactLog(entry: Entry, request: raft_cmdpb.CompactLogRequest): AppliedEntry {
    const { compactIndex: index, compactTerm: term } = request;
    const result = succeeded(entry.term, {
      adminResponse: raft_cmdpb.AdminResponse.create({
        cmdType: AdminCmdType.CompactLog,
        compactLog: raft_cmdpb.CompactLogResponse.create(),
      }),
    });
    if (index <= (this.#state.truncatedState?.index ?? 0) || index >= entry.index) return { result };
    const truncated = { index, term };
    this.#state = { ...this.#state, truncatedState: truncated };
    return { result, change: { type: 'compactLog', truncated } };
  }

  #applyChangePeer(entry: Entry, request: raft_cmdpb.RaftCmdRequest, batch: WriteBatch): AppliedEntry {
    const change = request.adminRequest?.changePeer;
    const peer = change?.peer;
    if (change === undefined || peer === undefined) {
      return this.#refuseChange(entry, invalidRequest('adminRequest.changePeer', 'no peer is named'));
    }
    if (epochOfRequest(request).confVer !== epochOf(this.#region).confVer) {
      return this.#refuseChange(entry, epochNotMatch([this.#region]));
    }
    const refusal = checkChangePeer(this.#region, change.changeType, peer);
    if (refusal !== undefined) return this.#refuseChange(entry, refusal);
    const isRemoval = change.changeType === eraftpb.ConfChangeType.RemoveNode;
    this.#region = isRemoval ? withPeerRemoved(this.#region, peer.id) : withPeerAdded(this.#region, peer);
    putRegionState(batch, this.regionId, { state: raft_serverpb.PeerState.Normal, region: this.#region });
    const result = succeeded(entry.term, {
      adminResponse: raft_cmdpb.AdminResponse.create({
        cmdType: AdminCmdType.ChangePeer,
        changePeer: raft_cmdpb.ChangePeerResponse.create({ region: this.#region }),
      }),
    });
    return { result, change: { type: 'confChange', entry, region: this.#region, peer, isRemoval } };
  }

  #refuseChange(entry: Entry, error: errorpb.Error): AppliedEntry {
    return { result: failed(error, entry.term), change: { type: 'confChangeRefused' } };
  }

  #refuse(entry: Entry, error: errorpb.Error): AppliedEntry {
    return { result: failed(error, entry.term) };
  }
}

/** Why a region cannot change that way; checked before a change is proposed and again when it is applied. */
export function checkChangePeer(
  region: metapb.Region,
  changeType: eraftpb.ConfChangeType,
  peer: metapb.Peer,
): errorpb.Error | undefined {
  const field = 'adminRequest.changePeer.peer';
  if (changeType === eraftpb.ConfChangeType.AddNode) {
    if (peer.id <= 0 || peer.storeId <= 0) return invalidRequest(field, 'a peer has an id and a store');
    return findPeer(region, peer.id) === undefined && findPeerOnStore(region, peer.storeId) === undefined
      ? undefined
      : invalidRequest(field, `region ${region.id} already has peer ${peer.id}, or one on store ${peer.storeId}`);
  }
  if (changeType === eraftpb.ConfChangeType.RemoveNode) {
    if (findPeer(region, peer.id) === undefined) {
      return invalidRequest(field, `region ${region.id} has no peer ${peer.id}`);
    }
    return region.peers.length > 1 ? undefined : invalidRequest(field, `peer ${peer.id} is the last of its region`);
  }
  return invalidRequest('adminRequest.changePeer.changeType', 'peers are added and removed');
}

/** The epoch that the command's sender knew. */
export function epochOfRequest(request: raft_cmdpb.RaftCmdRequest): metapb.RegionEpoch {
  return request.header?.regionEpoch ?? { confVer: 0, version: 0 };
}

function succeeded(
  term: number,
  fields: Pick<Partial<raft_cmdpb.RaftCmdResponse>, 'responses' | 'adminResponse'>,
): CommandResult {
  const header = raft_cmdpb.RaftResponseHeader.create({ currentTerm: term });
  return { response: raft_cmdpb.RaftCmdResponse.create({ header, ...fields }) };
}
