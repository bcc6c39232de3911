import { type Actor, type Mailbox, type SendOutcome, startActor } from '@flotilla/actor';
import type { flotillapb, raft_cmdpb, raft_serverpb } from '@flotilla/protocol';
import { raft_cmdpb as cmd } from '@flotilla/protocol';
import type { Logger } from '@flotilla/runtime';
import { BehaviorSubject, type Observable } from 'rxjs';
import { adminCommand } from './admin-command.ts';
import { answerWaiting } from './answer-waiting.ts';
import type { Inconsistency } from './consistency/inconsistency.ts';
import { handOverLeadership } from './leadership-handover.ts';
import type { LoadedRegion } from './load-regions.ts';
import type { SubscribeOutcome } from './machine/region-machines.ts';
import type { StoreMetricsSnapshot } from './metrics.ts';
import { computeHashCommand } from './peer/consistency-check.ts';
import type { Peer } from './peer/peer.ts';
import { regionStatusOf } from './peer/region-report.ts';
import type { RaftStore, SplitOrder, StoreHealth } from './raft-store.ts';
import { failed, regionNotFound, serverIsBusy } from './region-error.ts';
import { replyOnce } from './reply.ts';
import { countingReceiver } from './snapshot/snapshot-traffic.ts';
import { toStoreError } from './store-error.ts';
import type {
  CommandResult,
  ConsistencyOutcome,
  LeadershipChange,
  RegionChange,
  SnapshotEvent,
  SnapshotReceiver,
  SplitChange,
} from './store-handle.ts';
import { StoreWiring, type StoreWiringOptions } from './store-wiring.ts';

/** What a running store is made of. */
export type RunningStoreOptions = Omit<StoreWiringOptions, 'logger' | 'onFailure'>;

/** The life of one store: its actors start, serve and end together. */
export class RunningStore implements RaftStore {
  readonly storeId: number;
  readonly clusterId: number;
  readonly health: BehaviorSubject<StoreHealth> = new BehaviorSubject<StoreHealth>({ status: 'serving' });
  readonly leadershipChanges: Observable<readonly LeadershipChange[]>;
  readonly inconsistencies: Observable<Inconsistency>;
  readonly regionChanges: Observable<readonly RegionChange[]>;
  readonly splits: Observable<readonly SplitChange[]>;
  readonly snapshotEvents: Observable<readonly SnapshotEvent[]>;
  readonly #options: RunningStoreOptions;
  readonly #logger: Logger;
  readonly #actors: Actor<never>[] = [];
  readonly #wiring: StoreWiring;
  #closing: Promise<void> | undefined;

  constructor(options: RunningStoreOptions) {
    const { ident, runtime } = options;
    this.#options = options;
    this.storeId = ident.storeId;
    this.clusterId = ident.clusterId;
    this.#logger = runtime.logger.child({ storeId: ident.storeId });
    this.#wiring = new StoreWiring({
      ...options,
      logger: this.#logger,
      onFailure: (what, cause) => this.#fail(what, cause),
    });
    const { feeds } = this.#wiring;
    this.leadershipChanges = feeds.leadership.changes;
    this.regionChanges = feeds.regions.changes;
    this.splits = feeds.splits;
    this.snapshotEvents = feeds.snapshots.changes;
    this.inconsistencies = this.#wiring.inconsistencies;
  }

  /** Finds out whether there is room to write, before anybody writes. */
  checkDisk(): Promise<void> {
    return this.#wiring.disk.measure();
  }

  /** Starts the actors, then the peers, then time. */
  start(regions: readonly LoadedRegion[]): void {
    const { maxMessagesPerLoop } = this.#options.config;
    const wiring = this.#wiring;
    this.#startActor('raft', wiring.raftMailbox, wiring.raftWorker, maxMessagesPerLoop);
    this.#startActor('apply', wiring.applyMailbox, wiring.applyWorker, maxMessagesPerLoop);
    this.#startActor('store', wiring.storeMailbox, wiring.storeWorker, maxMessagesPerLoop);
    this.#startActor('scheduler', wiring.schedulerMailbox, wiring.schedulerWorker, maxMessagesPerLoop);
    for (const region of regions) wiring.host.addLoaded(region);
    wiring.ticks.start();
    this.#logger.info('the store is open', { clusterId: this.clusterId, regions: regions.length });
  }

  execute(request: raft_cmdpb.RaftCmdRequest): Promise<CommandResult> {
    return new Promise((resolve) => {
      const reply = replyOnce(resolve);
      const regionId = request.header?.regionId ?? 0;
      if (this.health.value.status !== 'serving') {
        reply(failed(serverIsBusy(`the store is ${this.health.value.status}`)));
        return;
      }
      const receivedAtMs = this.#options.runtime.clock.monotonicMs();
      this.#wiring.route(regionId, { type: 'raftCommand', request, reply, receivedAtMs });
    });
  }

  splitRegion({ regionId, regionEpoch, splitKeys }: SplitOrder): Promise<CommandResult> {
    return new Promise((resolve) => {
      const reply = replyOnce(resolve);
      const { status } = this.health.value;
      if (status !== 'serving') reply(failed(serverIsBusy(`the store is ${status}`)));
      else this.#wiring.route(regionId, { type: 'splitRegion', regionEpoch, splitKeys, reply });
    });
  }

  deliver(message: raft_serverpb.RaftMessage): SendOutcome {
    return this.#wiring.deliver(message);
  }

  async receiveSnapshot(message: raft_serverpb.RaftMessage): Promise<SnapshotReceiver> {
    return countingReceiver(this.#wiring.snapshots.receive(message), this.#wiring.metrics);
  }

  subscribe(key: Uint8Array, payload: Uint8Array): SubscribeOutcome {
    const { status } = this.health.value;
    if (status === 'serving') return this.#wiring.machines.subscribe(key, payload);
    return { type: 'refused', error: serverIsBusy(`the store is ${status}`) };
  }

  status(): readonly flotillapb.RegionStatus[] {
    return [...this.#wiring.raftWorker.peers.values()].map(regionStatusOf);
  }

  async checkConsistency(regionId: number): Promise<ConsistencyOutcome> {
    const { response } = await this.execute(computeHashCommand(regionId));
    const error = response.header?.error;
    if (error !== undefined) return { type: 'refused', error };
    await this.#wiring.consistency.whenComputed(regionId);
    const hash = this.regionHash(regionId);
    return hash === undefined ? { type: 'refused', error: regionNotFound(regionId) } : { type: 'hashed', hash };
  }

  regionHash(regionId: number): flotillapb.RegionHash | undefined {
    return this.#wiring.consistency.newest(regionId);
  }

  metrics(): StoreMetricsSnapshot {
    return this.#wiring.metricsSnapshot();
  }

  transferLeadershipAway(signal: AbortSignal): Promise<void> {
    const { config, runtime } = this.#options;
    return handOverLeadership({
      peers: () => this.#wiring.raftWorker.peers.values(),
      transfer: (peer, toPeerId) => this.#transfer(peer, toPeerId),
      changes: this.leadershipChanges,
      timers: runtime.timers,
      retryMs: config.tickIntervalMs * config.electionTicks,
      signal,
    });
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    const hasFailed = this.health.value.status === 'failed';
    if (!hasFailed) this.health.next({ status: 'closing' });
    this.#wiring.ticks.stop();
    this.#wiring.machines.endSubscriptions();
    this.#wiring.schedulerWorker.close();
    const reason = 'the store is closing';
    await this.#wiring.snapshots.close();
    for (const actor of this.#actors) answerWaiting(await actor.stop(), reason);
    this.#wiring.machines.close();
    await this.#wiring.consistency.close();
    await this.#wiring.host.regionSnapshots.close();
    await this.#wiring.logWriter.drain();
    this.#wiring.raftWorker.abandon(reason);
    const { logGc, region, splitCheck } = this.#wiring.tasks;
    await Promise.all([region.close(), logGc.close(), splitCheck.close()]);
    if (!hasFailed) {
      try {
        await this.#wiring.applyWorker.checkpoint();
      } catch (error) {
        this.#fail('the kv database refused the last write', error);
      }
    }
    this.#wiring.feeds.complete();
    this.#wiring.inconsistencies.complete();
    if (this.health.value.status === 'closing') this.health.next({ status: 'closed' });
    this.health.complete();
  }

  /** Stops at once, and says so: after a failed write nobody knows what is on the disk, and nothing may be acknowledged. */
  #fail(what: string, cause: unknown): void {
    if (this.health.value.status === 'failed') return;
    const error = toStoreError(what, cause);
    this.#logger.fatal('the store has to stop', { error });
    this.health.next({ status: 'failed', error });
    this.#wiring.ticks.stop();
    void this.#abandon(`the store has failed (${error.code})`);
    this.#options.onFatal?.(error);
  }

  async #abandon(reason: string): Promise<void> {
    this.#wiring.machines.endSubscriptions();
    for (const actor of this.#actors) answerWaiting(await actor.stop(), reason);
    this.#wiring.machines.close();
    this.#wiring.applyWorker.abandon(reason);
    this.#wiring.raftWorker.abandon(reason);
  }

  #startActor<Message>(
    name: string,
    mailbox: Mailbox<Message>,
    handler: { handleBatch(batch: readonly Message[]): void | Promise<void> },
    maxBatch: number,
  ): void {
    const { timers } = this.#options.runtime;
    const actor = startActor<Message>({
      name,
      mailbox,
      handler,
      timers,
      maxBatch,
      onFailure: ({ cause, waiting }) => {
        answerWaiting(waiting, 'the store has failed');
        this.#fail(`the ${name} worker failed`, cause);
      },
    });
    this.#actors.push(actor as unknown as Actor<never>);
  }

  #transfer(peer: Peer, toPeerId: number): void {
    const target = peer.findPeer(toPeerId);
    const { regionId, meta, region } = peer;
    const { TransferLeader: cmdType } = cmd.AdminCmdType;
    const admin = { cmdType, transferLeader: { peer: target } };
    this.#wiring.command(adminCommand({ regionId, peer: meta, regionEpoch: region.regionEpoch }, admin));
  }
}
