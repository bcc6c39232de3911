import type { ActorHandler } from '@flotilla/actor';
import { applyStateKey, type Engine, putRegionState, readRegionState, type WriteBatch } from '@flotilla/engine';
import { raft_serverpb } from '@flotilla/protocol';
import { assert, type Clock, unreachable } from '@flotilla/runtime';
import type { ConsistencyChecker } from '../consistency/consistency-checker.ts';
import type { MachineReplica } from '../machine/machine-replica.ts';
import type { RegionMachines } from '../machine/region-machines.ts';
import type { StoreMetrics } from '../metrics.ts';
import type { Proposal } from '../peer/proposal-queue.ts';
import { findPeerOnStore, withLaterEpoch } from '../region.ts';
import { failed, outcomeUnknown } from '../region-error.ts';
import { answerIfOpen } from '../reply.ts';
import type { SlowWriteWatch } from '../slow-write-watch.ts';
import type { CommandResult } from '../store-handle.ts';
import type { ApplyChange, ApplyMessage, ApplyResult } from './message.ts';
import { writeParts } from './new-parts.ts';
import { type AppliedEntry, type ConsistencyStep, RegionApplier } from './region-applier.ts';

/** What the apply worker needs. */
export interface ApplyWorkerOptions {
  readonly storeId: number;
  readonly kvEngine: Engine;
  readonly clock: Clock;
  readonly metrics: StoreMetrics;
  readonly slowWrites: SlowWriteWatch;
  /** Bytes after which a batch is closed. */
  readonly maxBatchBytes: number;
  /** Bytes written after which the next batch is synced, so that little has to be applied again at the next start. */
  readonly syncEveryBytes: number;
  readonly consistency: Pick<ConsistencyChecker, 'compute' | 'verify'>;
  readonly machines: Pick<RegionMachines, 'kinds' | 'attach' | 'detach'>;
  /** The id of this store's peer of a region, whatever its state. */
  readonly peerIdOf: (regionId: number) => number | undefined;
  /** Hears what was applied, after it was written. */
  readonly onResults: (results: readonly ApplyResult[]) => void;
}

type Apply = Extract<ApplyMessage, { type: 'apply' }>;
type Register = Extract<ApplyMessage, { type: 'register' }>;
type BeginSnapshot = Extract<ApplyMessage, { type: 'beginSnapshot' }>;
type Destroy = Extract<ApplyMessage, { type: 'destroy' }>;

/**
 * Applies committed entries: one write batch of data and applied indexes together, then the answers.
 *
 * Most batches are not synced: the raft log is, and a store that opens applies it again from `durableIndex` on. A power cut
 * may take any un-synced batch and leave a later one, so the applied index alone does not tell what survived; a synced
 * batch does, and moves `durableIndex`. A batch with a change of more than data is always synced: a compaction, so that the
 * log never loses what has to be applied again; a membership change, so that what is applied again are puts and deletes
 * under one epoch, which end in the same state; a tombstone. So is a batch to which a machine has added something: a call
 * applied again would count twice.
 */
export class ApplyWorker implements ActorHandler<ApplyMessage> {
  readonly #options: ApplyWorkerOptions;
  readonly #appliers = new Map<number, RegionApplier>();
  #batch: WriteBatch;
  #mustSync = false;
  #bytesSinceSync = 0;
  /** Appliers whose state the batch has to carry. */
  readonly #touched = new Set<RegionApplier>();
  /** Machines that have yet to hear that what they added is in the database. */
  readonly #unwritten = new Set<MachineReplica>();
  #inHand: readonly ApplyMessage[] = [];
  /** Regions whose state the batch has, so that the database does not show it yet. */
  readonly #regionsInBatch = new Set<number>();
  #results: ApplyResult[] = [];
  #answers: (readonly [Proposal, CommandResult])[] = [];
  /** When what the batch holds was committed, for each message. */
  #committedAtMs: number[] = [];

  constructor(options: ApplyWorkerOptions) {
    this.#options = options;
    this.#batch = options.kvEngine.batch();
  }

  async handleBatch(messages: readonly ApplyMessage[]): Promise<void> {
    this.#inHand = messages;
    for (const message of messages) await this.#handle(message);
    await this.#flush();
    this.#inHand = [];
  }

  /** Makes everything applied durable, so that nothing has to be applied again. For a store that closes. */
  async checkpoint(): Promise<void> {
    for (const applier of this.#appliers.values()) {
      if (applier.state.durableIndex < applier.state.appliedIndex) this.#touched.add(applier);
    }
    if (this.#touched.size === 0) return;
    this.#mustSync = true;
    await this.#flush();
  }

  /** Answers the commands of the batch that a failure cut off. */
  abandon(reason: string): void {
    for (const message of this.#inHand) {
      if (message.type !== 'apply') continue;
      for (const proposal of message.proposals ?? []) {
        if (proposal !== undefined) answerIfOpen(proposal.reply, failed(outcomeUnknown(reason)));
      }
    }
  }

  async #handle(message: ApplyMessage): Promise<void> {
    switch (message.type) {
      case 'register':
        this.#register(message);
        return;
      case 'apply':
        return this.#apply(message);
      case 'beginSnapshot':
        this.#beginSnapshot(message);
        return;
      case 'finishSnapshot':
        this.#finishSnapshot(message.regionId);
        return;
      case 'destroy':
        this.#destroy(message);
        return;
      default:
        unreachable(message, 'apply message');
    }
  }

  #register({ regionId, peerId, region, applyState, hasData }: Register): void {
    const { machines } = this.#options;
    this.#forget(regionId);
    const applier = new RegionApplier(peerId, region, applyState, machines.kinds);
    this.#appliers.set(regionId, applier);
    if (hasData) applier.machine = machines.attach(region);
  }

  async #apply(message: Apply): Promise<void> {
    const { regionId, entries, proposals, responses } = message;
    const applier = this.#appliers.get(regionId);
    if (applier?.machine?.isReady === false) {
      await this.#flush();
      await applier.machine.whenLoaded();
    }
    if (applier === undefined) {
      // The peer was destroyed while its entries waited here; they may have been committed elsewhere.
      for (const proposal of proposals ?? []) {
        if (proposal !== undefined) this.#answers.push([proposal, failed(outcomeUnknown('the peer was destroyed'))]);
      }
      return;
    }
    let changes: ApplyChange[] = [];
    let entryBytes = 0;
    let bytesBefore = this.#batch.byteLength;
    let keysBefore = this.#batch.count;
    for (const [position, entry] of entries.entries()) {
      const proposal = proposals?.[position];
      entryBytes += entry.data.length;
      if (applier.isRemoved) {
        if (proposal !== undefined) this.#answers.push([proposal, failed(outcomeUnknown('the peer was removed'))]);
        continue;
      }
      const applied = applier.apply(entry, this.#batch, proposal?.request);
      if (applied.change !== undefined) {
        changes = [...changes, this.#followChange(applied.change)];
        this.#mustSync ||= applied.change.type !== 'confChangeRefused';
      }
      this.#noteCall(applier, applied);
      if (applied.check !== undefined || this.#lacksMachine(applier)) {
        bytesBefore -= this.#batch.byteLength;
        keysBefore -= this.#batch.count;
        await (applied.check === undefined ? this.#gainMachine(applier) : this.#check(applier, applied.check));
        bytesBefore += this.#batch.byteLength;
        keysBefore += this.#batch.count;
      }
      if (proposal !== undefined) this.#answers.push([proposal, applied.result]);
    }
    const writtenBytes = this.#batch.byteLength - bytesBefore;
    const writtenKeys = this.#batch.count - keysBefore;
    this.#touched.add(applier);
    this.#committedAtMs.push(message.committedAtMs);
    const { appliedIndex: index, appliedTerm: term } = applier.state;
    const written = { writtenBytes, writtenKeys };
    this.#results.push({ type: 'applied', regionId, index, term, entryBytes, ...written, changes, responses });
    if (this.#batch.byteLength >= this.#options.maxBatchBytes) await this.#flush();
  }

  #noteCall({ machine }: RegionApplier, { isCallWritten }: AppliedEntry): void {
    if (isCallWritten === undefined || machine === undefined) return;
    this.#unwritten.add(machine);
    this.#mustSync ||= isCallWritten;
  }

  #lacksMachine(applier: RegionApplier): boolean {
    return applier.machine === undefined && this.#options.machines.kinds.ofRegion(applier.region) !== undefined;
  }

  /** A split has left the region what belongs to a machine. */
  async #gainMachine(applier: RegionApplier): Promise<void> {
    this.#touched.add(applier);
    await this.#flush();
    applier.machine = this.#options.machines.attach(applier.region);
    await applier.machine?.whenLoaded();
  }

  /**
   * Brings the database to exactly this entry before it is hashed. Synced, so that a start never applies up to here over
   * data from after it and finds another hash.
   */
  async #check(applier: RegionApplier, step: ConsistencyStep): Promise<void> {
    const { consistency } = this.#options;
    if (step.type === 'verifyHash') {
      consistency.verify(applier.regionId, step.index, step.hash);
      return;
    }
    this.#touched.add(applier);
    this.#mustSync = true;
    await this.#flush();
    consistency.compute(applier.region, applier.peerId, applier.state.appliedIndex);
  }

  /** A split has to write its new regions, unless this store knows better. */
  #followChange(change: ApplyChange): ApplyChange {
    if (change.type !== 'split') return change;
    const { kvEngine, peerIdOf } = this.#options;
    return writeParts(change, this.#batch, (region) => {
      const existing = peerIdOf(region.id);
      const own = findPeerOnStore(region, this.#options.storeId)?.id;
      if (existing !== undefined && existing !== own) return true;
      return this.#regionsInBatch.has(region.id) || readRegionState(kvEngine, region.id) !== undefined;
    });
  }

  #beginSnapshot(message: BeginSnapshot): void {
    const { regionId, peerId, region, index, term } = message;
    const state = raft_serverpb.RaftApplyState.create({
      appliedIndex: index,
      appliedTerm: term,
      truncatedState: { index, term },
    });
    this.#forget(regionId);
    const applier = new RegionApplier(peerId, region, state, this.#options.machines.kinds);
    this.#appliers.set(regionId, applier);
    this.#touched.add(applier);
    putRegionState(this.#batch, regionId, { state: raft_serverpb.PeerState.Applying, region });
    this.#regionsInBatch.add(regionId);
    this.#mustSync = true;
    this.#results.push({ type: 'snapshotBegun', regionId });
  }

  #finishSnapshot(regionId: number): void {
    const applier = this.#appliers.get(regionId);
    if (applier === undefined) return;
    applier.machine = this.#options.machines.attach(applier.region);
    putRegionState(this.#batch, regionId, { state: raft_serverpb.PeerState.Normal, region: applier.region });
    this.#mustSync = true;
    this.#results.push({ type: 'snapshotFinished', regionId });
  }

  #destroy(message: Destroy): void {
    const { regionId, peerId, finalEpoch } = message;
    const applier = this.#appliers.get(regionId);
    assert(applier === undefined || applier.peerId === peerId, 'only the peer itself is destroyed', {
      regionId,
      peerId,
    });
    this.#forget(regionId);
    const region = withLaterEpoch(applier?.region ?? message.region, finalEpoch);
    putRegionState(this.#batch, regionId, { state: raft_serverpb.PeerState.Tombstone, region });
    this.#regionsInBatch.add(regionId);
    this.#batch.delete(applyStateKey(regionId));
    this.#mustSync = true;
    this.#results.push({ type: 'tombstoned', regionId, peerId });
  }

  #forget(regionId: number): void {
    const applier = this.#appliers.get(regionId);
    if (applier === undefined) return;
    this.#appliers.delete(regionId);
    this.#touched.delete(applier);
    if (applier.machine !== undefined) this.#unwritten.delete(applier.machine);
    this.#options.machines.detach(regionId);
  }

  /** Writes what was gathered, then answers: a read that follows an answer finds the write. */
  async #flush(): Promise<void> {
    const sync = this.#mustSync || this.#bytesSinceSync >= this.#options.syncEveryBytes;
    for (const applier of this.#touched) applier.saveState(this.#batch, sync);
    this.#touched.clear();
    this.#regionsInBatch.clear();
    this.#mustSync = false;
    if (this.#batch.count > 0) await this.#write(sync);
    for (const machine of this.#unwritten) machine.written();
    this.#unwritten.clear();
    const results = this.#results;
    const answers = this.#answers;
    this.#results = [];
    this.#answers = [];
    if (results.length > 0) this.#options.onResults(results);
    this.#recordTimes(answers);
    for (const [{ reply }, result] of answers) reply(result);
  }

  #recordTimes(answers: readonly (readonly [Proposal, CommandResult])[]): void {
    const { clock, metrics } = this.#options;
    const nowMs = clock.monotonicMs();
    for (const committedAtMs of this.#committedAtMs) metrics.apply.record(nowMs - committedAtMs);
    this.#committedAtMs.length = 0;
    for (const [{ proposedAtMs }] of answers) metrics.proposalApplied(nowMs - proposedAtMs);
  }

  async #write(sync: boolean): Promise<void> {
    const { kvEngine, metrics, slowWrites } = this.#options;
    const batch = this.#batch;
    this.#batch = kvEngine.batch();
    this.#bytesSinceSync = sync ? 0 : this.#bytesSinceSync + batch.byteLength;
    slowWrites.begin();
    try {
      await kvEngine.write(batch, { sync });
    } finally {
      metrics.applyWritten(batch.count, slowWrites.end());
    }
  }
}
