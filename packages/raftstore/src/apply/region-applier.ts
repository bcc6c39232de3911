import { putApplyState, putRegionState, type WriteBatch } from '@flotilla/engine';
import { type errorpb, type metapb, raft_cmdpb, raft_serverpb } from '@flotilla/protocol';
import { type ConfChange, decodeConfChange, type Entry } from '@flotilla/raft';
import { assert } from '@flotilla/runtime';
import { epochOf, isSameEpoch } from '@flotilla/scheduler-client';
import { callResponse } from '../machine/call-answer.ts';
import { machineNotSplitOff } from '../machine/machine-check.ts';
import type { MachineKinds } from '../machine/machine-kinds.ts';
import type { MachineReplica } from '../machine/machine-replica.ts';
import { changeMembers, leaveJoint, type MemberChangeOutcome, memberChangesOf } from '../membership/member-change.ts';
import { findPeer, isKeyInRegion } from '../region.ts';
import { epochNotMatch, failed, invalidRequest, keyNotInRegion, staleCommand } from '../region-error.ts';
import { RaftStoreError } from '../store-error.ts';
import type { CommandResult } from '../store-handle.ts';
import { applyWrites, type Operation, operationOf } from './command.ts';
import type { ApplyChange } from './message.ts';
import { planSplit, splitRequestsOf } from './split.ts';

const { AdminCmdType } = raft_cmdpb;

type Call = Extract<Operation, { type: 'call' }>;

/** What a consistency check asks of each replica, at this entry. */
export type ConsistencyStep =
  | { readonly type: 'computeHash' }
  | { readonly type: 'verifyHash'; readonly index: number; readonly hash: Uint8Array };

/** What applying one entry came to. */
export interface AppliedEntry {
  readonly result: CommandResult;
  readonly change?: ApplyChange | undefined;
  readonly check?: ConsistencyStep | undefined;
  /** Whether a machine has written: what is not idempotent must not be applied again. */
  readonly isCallWritten?: boolean | undefined;
}

/**
 * Applies the entries of one region: the same entries in the same order give the same state on every replica, so nothing
 * here depends on the store, the clock or chance.
 */
export class RegionApplier {
  readonly regionId: number;
  readonly peerId: number;
  /** The region's machine, while its range is one's. */
  machine: MachineReplica | undefined;
  readonly #kinds: MachineKinds;
  #region: metapb.Region;
  #state: raft_serverpb.RaftApplyState;
  /** The other parts of the last split: who comes with an older epoch finds his key in one of them. */
  #siblings: readonly metapb.Region[] = [];

  constructor(peerId: number, region: metapb.Region, state: raft_serverpb.RaftApplyState, kinds: MachineKinds) {
    this.#kinds = kinds;
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
    if (entry.type !== 'normal') return this.#applyConfChange(entry, entry.type, batch, request);
    if (entry.data.length === 0) return { result: failed(staleCommand(), entry.term) };
    return this.#applyCommand(entry, request ?? raft_cmdpb.RaftCmdRequest.decode(entry.data), batch);
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
    if (request.adminRequest !== undefined) return this.#applyAdmin(entry, request, request.adminRequest, batch);
    if (epochOfRequest(request).version !== epochOf(this.#region).version) {
      return this.#refuse(entry, this.#epochNotMatch());
    }
    const first = request.requests[0];
    const operation = first === undefined ? undefined : operationOf(first);
    if (operation?.type === 'call') return this.#applyCall(entry, operation, batch);
    const outcome = applyWrites(request, this.#region, batch);
    if (!Array.isArray(outcome)) return this.#refuse(entry, outcome);
    return { result: succeeded(entry.term, { responses: outcome }) };
  }

  /** @throws {RaftStoreError} with code `internalError` for a call of a machine that other stores run and this one does not. */
  #applyCall(entry: Entry, { key, payload }: Call, batch: WriteBatch): AppliedEntry {
    if (!isKeyInRegion(key, this.#region)) return this.#refuse(entry, keyNotInRegion(key, this.#region));
    const kind = this.#kinds.ofKey(key);
    if (kind === undefined) {
      throw new RaftStoreError(
        'internalError',
        `region ${this.regionId}: this store lacks the machine of a logged call`,
      );
    }
    if (this.#kinds.ofRegion(this.#region) !== kind) return this.#refuse(entry, machineNotSplitOff(kind.name));
    assert(this.machine !== undefined, 'a region with the range of a machine has it', { regionId: this.regionId });
    const { answer, hasWritten } = this.machine.apply(payload, entry.index, batch);
    return { result: succeeded(entry.term, { responses: [callResponse(answer)] }), isCallWritten: hasWritten };
  }

  #applyAdmin(
    entry: Entry,
    request: raft_cmdpb.RaftCmdRequest,
    admin: raft_cmdpb.AdminRequest,
    batch: WriteBatch,
  ): AppliedEntry {
    if (admin.cmdType === AdminCmdType.CompactLog && admin.compactLog !== undefined) {
      return this.#compactLog(entry, admin.compactLog);
    }
    if (admin.cmdType === AdminCmdType.ComputeHash) return computeHash(entry);
    if (admin.cmdType === AdminCmdType.VerifyHash && admin.verifyHash !== undefined) {
      return verifyHash(entry, admin.verifyHash);
    }
    const parts = splitRequestsOf(admin);
    if (parts !== undefined) return this.#split(entry, epochOfRequest(request), admin.cmdType, parts, batch);
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

  /** Gives the region what is left of the first key; the new regions are the apply worker's to write. */
  #split(
    entry: Entry,
    epoch: metapb.RegionEpoch,
    cmdType: raft_cmdpb.AdminCmdType,
    requests: readonly raft_cmdpb.SplitRequest[],
    batch: WriteBatch,
  ): AppliedEntry {
    if (!isSameEpoch(epoch, epochOf(this.#region))) return this.#refuse(entry, this.#epochNotMatch());
    const regions = planSplit(this.#region, epoch, requests);
    if (!Array.isArray(regions)) return this.#refuse(entry, regions as errorpb.Error);
    const [left, ...siblings] = regions as readonly metapb.Region[];
    assert(left !== undefined, 'a split leaves the region a part', { regionId: this.regionId });
    this.#region = left;
    this.#siblings = siblings;
    putRegionState(batch, this.regionId, { state: raft_serverpb.PeerState.Normal, region: left });
    const split = raft_cmdpb.SplitResponse.create({ regions });
    const result = succeeded(entry.term, { adminResponse: raft_cmdpb.AdminResponse.create({ cmdType, split }) });
    return { result, change: { type: 'split', regions, leftOut: [] } };
  }

  #applyConfChange(
    entry: Entry,
    type: Exclude<Entry['type'], 'normal'>,
    batch: WriteBatch,
    known: raft_cmdpb.RaftCmdRequest | undefined,
  ): AppliedEntry {
    const confChange = decodeConfChange(type, entry.data);
    assert(confChange !== undefined, 'a committed change of membership can be decoded', { index: entry.index });
    // Without a request it is the leader's own: it leaves the joint configuration.
    if (confChange.context.length === 0) {
      return this.#followMemberChange(entry, confChange, leaveJoint(this.#region), batch, undefined);
    }
    const request = known ?? raft_cmdpb.RaftCmdRequest.decode(confChange.context);
    const { adminRequest } = request;
    if (epochOfRequest(request).confVer !== epochOf(this.#region).confVer) {
      return this.#refuseChange(entry, epochNotMatch([this.#region]));
    }
    const asked = memberChangesOf(adminRequest ?? raft_cmdpb.AdminRequest.create());
    const outcome = asked.type === 'refused' ? asked : changeMembers(this.#region, asked.changes);
    return this.#followMemberChange(entry, confChange, outcome, batch, adminRequest?.cmdType);
  }

  #followMemberChange(
    entry: Entry,
    confChange: ConfChange,
    outcome: MemberChangeOutcome,
    batch: WriteBatch,
    cmdType: raft_cmdpb.AdminCmdType = AdminCmdType.ChangePeerV2,
  ): AppliedEntry {
    if (outcome.type === 'refused') return this.#refuseChange(entry, outcome.error);
    const { region } = outcome;
    this.#region = region;
    // A start must not find a region whose members this store is not among.
    const { Normal, Tombstone } = raft_serverpb.PeerState;
    putRegionState(batch, this.regionId, { state: this.isRemoved ? Tombstone : Normal, region });
    const changePeer = raft_cmdpb.ChangePeerResponse.create({ region });
    const adminResponse = raft_cmdpb.AdminResponse.create({ cmdType, changePeer });
    return { result: succeeded(entry.term, { adminResponse }), change: { type: 'confChange', confChange, region } };
  }

  #refuseChange(entry: Entry, error: errorpb.Error): AppliedEntry {
    return { result: failed(error, entry.term), change: { type: 'confChangeRefused' } };
  }

  #epochNotMatch(): errorpb.Error {
    return epochNotMatch([this.#region, ...this.#siblings]);
  }

  #refuse(entry: Entry, error: errorpb.Error): AppliedEntry {
    return { result: failed(error, entry.term) };
  }
}

/** The epoch that the command's sender knew. */
export function epochOfRequest(request: raft_cmdpb.RaftCmdRequest): metapb.RegionEpoch {
  return epochOf(request.header ?? {});
}

function computeHash({ index, term }: Entry): AppliedEntry {
  const { ComputeHash: cmdType } = AdminCmdType;
  const adminResponse = raft_cmdpb.AdminResponse.create({ cmdType, computeHash: { index } });
  return { result: succeeded(term, { adminResponse }), check: { type: 'computeHash' } };
}

function verifyHash({ term }: Entry, { index, hash }: raft_cmdpb.VerifyHashRequest): AppliedEntry {
  const { VerifyHash: cmdType } = AdminCmdType;
  const adminResponse = raft_cmdpb.AdminResponse.create({ cmdType, verifyHash: {} });
  return { result: succeeded(term, { adminResponse }), check: { type: 'verifyHash', index, hash } };
}

function succeeded(
  term: number,
  fields: Pick<Partial<raft_cmdpb.RaftCmdResponse>, 'responses' | 'adminResponse'>,
): CommandResult {
  const header = raft_cmdpb.RaftResponseHeader.create({ currentTerm: term });
  return { response: raft_cmdpb.RaftCmdResponse.create({ header, ...fields }) };
}
