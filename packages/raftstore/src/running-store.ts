import { type Actor, createMailbox, type Mailbox, type SendOutcome, startActor } from '@flotilla/actor';
import type { RaftLogStore } from '@flotilla/engine';
import type { flotillapb, raft_cmdpb, raft_serverpb } from '@flotilla/protocol';
import { raft_cmdpb as cmd, schedulerpb } from '@flotilla/protocol';
import type { Logger } from '@flotilla/runtime';
import { BehaviorSubject, Subject } from 'rxjs';
import { ApplyWorker } from './apply/apply-worker.ts';
import type { ApplyMessage } from './apply/message.ts';
import type { RaftStoreConfig } from './config.ts';
import { handOverLeadership } from './leadership-handover.ts';
import type { LoadedRegion } from './load-regions.ts';
import { StoreMetrics, type StoreMetricsSnapshot } from './metrics.ts';
import type { Peer } from './peer/peer.ts';
import { regionStatusOf } from './peer/region-report.ts';
import { PeerHost } from './peer-host.ts';
import type { OpenRaftStoreOptions, RaftStore, StoreHealth } from './raft-store.ts';
import { LogWriter } from './raft-worker/log-writer.ts';
import type { RaftWorkerMessage } from './raft-worker/message.ts';
import { RaftWorker } from './raft-worker/raft-worker.ts';
import { failed, outcomeUnknown, regionNotFound, serverIsBusy } from './region-error.ts';
import { ignoreReply, replyOnce } from './reply.ts';
import type { SchedulerMessage } from './scheduler-worker/message.ts';
import { SchedulerWorker } from './scheduler-worker/scheduler-worker.ts';
import type { SnapshotDirectory } from './snapshot/snapshot-directory.ts';
import { SnapshotManager } from './snapshot/snapshot-manager.ts';
import { toStoreError } from './store-error.ts';
import type { CommandResult, LeadershipChange, SnapshotReceiver } from './store-handle.ts';
import type { StoreMessage } from './store-worker/message.ts';
import { StoreWorker } from './store-worker/store-worker.ts';
import { spawnTaskWorkers, type TaskWorkers } from './task-workers.ts';
import { TickDriver } from './tick-driver.ts';

/** What a store is made of once it has been opened. */
export interface RunningStoreOptions extends Omit<OpenRaftStoreOptions, 'config'> {
  readonly config: RaftStoreConfig;
  readonly ident: raft_serverpb.StoreIdent;
  readonly logStore: RaftLogStore;
  readonly directory: SnapshotDirectory;
}

/** Room in each mailbox that only the store's own messages may use: one tick and one note of completions at a time. */
const controlReserve = 16;
/** At most two messages a peer wait for the apply worker; this many peers are more than a store can have. */
const applyMailboxCapacity = 1 << 22;

/** The actors of one store and the wires between them. */
export class RunningStore implements RaftStore {
  readonly storeId: number;
  readonly clusterId: number;
  readonly health: BehaviorSubject<StoreHealth> = new BehaviorSubject<StoreHealth>({ status: 'serving' });
  readonly leadershipChanges: Subject<readonly LeadershipChange[]> = new Subject<readonly LeadershipChange[]>();
  readonly #options: RunningStoreOptions;
  readonly #logger: Logger;
  readonly #metrics = new StoreMetrics();
  readonly #raftMailbox: Mailbox<RaftWorkerMessage>;
  readonly #storeMailbox: Mailbox<StoreMessage>;
  readonly #applyMailbox: Mailbox<ApplyMessage>;
  readonly #schedulerMailbox: Mailbox<SchedulerMessage>;
  readonly #actors: Actor<never>[] = [];
  readonly #logWriter: LogWriter;
  readonly #raftWorker: RaftWorker;
  readonly #applyWorker: ApplyWorker;
  readonly #schedulerWorker: SchedulerWorker;
  readonly #snapshots: SnapshotManager;
  readonly #tasks: TaskWorkers;
  readonly #ticks: TickDriver;
  readonly #host: PeerHost;
  readonly #startTimeMs: number;
  #changes: LeadershipChange[] = [];
  #closing: Promise<void> | undefined;

  constructor(options: RunningStoreOptions) {
    const { config, ident, logStore, runtime } = options;
    this.#options = options;
    this.storeId = ident.storeId;
    this.clusterId = ident.clusterId;
    this.#startTimeMs = runtime.clock.wallMs();
    this.#logger = runtime.logger.child({ storeId: ident.storeId });
    const capacity = config.mailboxCapacity + controlReserve;
    this.#raftMailbox = createMailbox('raft', capacity, { reserved: controlReserve });
    this.#storeMailbox = createMailbox('store', capacity, { reserved: controlReserve });
    this.#applyMailbox = createMailbox('apply', applyMailboxCapacity);
    this.#schedulerMailbox = createMailbox('scheduler', capacity);
    this.#logWriter = new LogWriter({
      engine: logStore.engine,
      clock: runtime.clock,
      metrics: this.#metrics,
      onPersisted: (effects) => this.#raftWorker.complete(effects),
      onFailure: (cause) => this.#fail('the raft database refused a write', cause),
    });
    this.#raftWorker = this.#createRaftWorker();
    this.#applyWorker = this.#createApplyWorker();
    this.#snapshots = this.#createSnapshotManager();
    this.#tasks = this.#spawnTasks();
    this.#schedulerWorker = new SchedulerWorker({
      client: options.schedulerClient,
      runtime,
      logger: this.#logger,
      onCommand: (request) => this.#command(request),
    });
    this.#ticks = this.#createTickDriver();
    this.#host = this.#createHost();
  }

  /** Starts the actors, then the peers, then time. */
  start(regions: readonly LoadedRegion[]): void {
    const { maxMessagesPerLoop } = this.#options.config;
    this.#startActor('raft', this.#raftMailbox, this.#raftWorker, maxMessagesPerLoop);
    this.#startActor('apply', this.#applyMailbox, this.#applyWorker, maxMessagesPerLoop);
    this.#startActor('store', this.#storeMailbox, this.#createStoreWorker(), maxMessagesPerLoop);
    this.#startActor('scheduler', this.#schedulerMailbox, this.#schedulerWorker, maxMessagesPerLoop);
    for (const region of regions) this.#host.addLoaded(region);
    this.#ticks.start();
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
      const outcome = this.#host.router.send(regionId, { type: 'raftCommand', request, reply });
      if (outcome === 'notFound') reply(failed(regionNotFound(regionId)));
      else if (outcome !== 'accepted') reply(failed(serverIsBusy(`the raft mailbox is ${outcome}`)));
    });
  }

  deliver(message: raft_serverpb.RaftMessage): SendOutcome {
    this.#metrics.raftMessagesReceived += 1;
    const outcome = this.#host.router.send(message.regionId, { type: 'raftMessage', message });
    const final = outcome === 'notFound' ? this.#storeMailbox.send({ type: 'storeRaftMessage', message }) : outcome;
    if (final !== 'accepted') this.#metrics.raftMessagesDropped += 1;
    return final;
  }

  async receiveSnapshot(message: raft_serverpb.RaftMessage): Promise<SnapshotReceiver> {
    return this.#snapshots.receive(message);
  }

  status(): readonly flotillapb.RegionStatus[] {
    return [...this.#raftWorker.peers.values()].map(regionStatusOf);
  }

  metrics(): StoreMetricsSnapshot {
    const peers = [...this.#raftWorker.peers.values()];
    return this.#metrics.snapshot({
      raftMailboxLength: this.#raftMailbox.length,
      storeMailboxLength: this.#storeMailbox.length,
      applyQueueBytes: this.#host.applyQueue.bytes,
      regionTasksPending: this.#tasks.region.pending,
      peers: peers.length,
      leaders: peers.filter((peer) => peer.isLeader).length,
    });
  }

  transferLeadershipAway(signal: AbortSignal): Promise<void> {
    const { config, runtime } = this.#options;
    return handOverLeadership({
      peers: () => this.#raftWorker.peers.values(),
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
    this.#ticks.stop();
    this.#schedulerWorker.close();
    const reason = 'the store is closing';
    await this.#snapshots.close();
    for (const actor of this.#actors) this.#answerWaiting(await actor.stop(), reason);
    await this.#logWriter.drain();
    this.#raftWorker.abandon(reason);
    await Promise.all([this.#tasks.region.close(), this.#tasks.logGc.close()]);
    if (!hasFailed) {
      try {
        await this.#applyWorker.checkpoint();
      } catch (error) {
        this.#fail('the kv database refused the last write', error);
      }
    }
    this.leadershipChanges.complete();
    if (this.health.value.status === 'closing') this.health.next({ status: 'closed' });
    this.health.complete();
  }

  /** Stops at once, and says so: after a failed write nobody knows what is on the disk, and nothing may be acknowledged. */
  #fail(what: string, cause: unknown): void {
    if (this.health.value.status === 'failed') return;
    const error = toStoreError(what, cause);
    this.#logger.fatal('the store has to stop', { error });
    this.health.next({ status: 'failed', error });
    this.#ticks.stop();
    void this.#abandon(`the store has failed (${error.code})`);
    this.#options.onFatal?.(error);
  }

  async #abandon(reason: string): Promise<void> {
    for (const actor of this.#actors) this.#answerWaiting(await actor.stop(), reason);
    this.#applyWorker.abandon(reason);
    this.#raftWorker.abandon(reason);
  }

  #answerWaiting(waiting: readonly unknown[], reason: string): void {
    for (const message of waiting as readonly (RaftWorkerMessage | ApplyMessage)[]) {
      if (message.type === 'peer' && message.message.type === 'raftCommand') {
        message.message.reply(failed(serverIsBusy(reason)));
      } else if (message.type === 'apply') {
        for (const proposal of message.proposals ?? []) proposal?.reply(failed(outcomeUnknown(reason)));
      }
    }
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
        this.#answerWaiting(waiting, 'the store has failed');
        this.#fail(`the ${name} worker failed`, cause);
      },
    });
    this.#actors.push(actor as unknown as Actor<never>);
  }

  #createRaftWorker(): RaftWorker {
    return new RaftWorker({
      config: this.#options.config,
      mailbox: this.#raftMailbox,
      logWriter: this.#logWriter,
      onUnrouted: (_regionId, message) => {
        if (message.type === 'raftMessage')
          this.#storeMailbox.send({ type: 'storeRaftMessage', message: message.message });
      },
      onLoopEnd: () => this.#publishLeadership(),
    });
  }

  #createApplyWorker(): ApplyWorker {
    const { config, kvEngine, runtime } = this.#options;
    return new ApplyWorker({
      kvEngine,
      clock: runtime.clock,
      metrics: this.#metrics,
      maxBatchBytes: config.maxApplyBatchBytes,
      syncEveryBytes: config.applySyncBytes,
      onResults: (results) => {
        this.#raftWorker.complete(
          results.map((result) => ({ regionId: result.regionId, message: { type: 'applied', result } })),
        );
      },
    });
  }

  #createSnapshotManager(): SnapshotManager {
    const { config, directory, runtime, transport } = this.#options;
    return new SnapshotManager({
      runtime,
      logger: this.#logger,
      config,
      metrics: this.#metrics,
      transport,
      directory,
      onSent: (regionId, toPeerId, isDelivered) => {
        this.#raftWorker.complete([{ regionId, message: { type: 'snapshotStatus', toPeerId, isDelivered } }]);
      },
      onReceived: (message) => {
        if (this.deliver(message) !== 'accepted') this.#snapshots.release(message);
      },
    });
  }

  #createStoreWorker(): StoreWorker {
    return new StoreWorker({
      storeId: this.storeId,
      kvEngine: this.#options.kvEngine,
      logger: this.#logger,
      snapshots: this.#snapshots,
      regions: this.#host.regions,
      hasPeer: (regionId) => this.#host.router.has(regionId),
      redispatch: (message) => {
        this.#host.router.send(message.regionId, { type: 'raftMessage', message });
      },
      createPeer: (regionId, meta) => this.#host.addReplicated(regionId, meta),
      send: (message) => this.#host.send(message),
      gcSnapshots: (regionId, keys) => {
        this.#host.router.sendControl(regionId, { type: 'gcSnapshot', keys });
      },
      storeHeartbeat: () => {
        this.#schedulerMailbox.send({ type: 'storeHeartbeat', stats: this.#storeStats() });
      },
    });
  }

  #spawnTasks(): TaskWorkers {
    const { config, directory, kvEngine, logStore, runtime, snapshotDirectory, taskWorkers } = this.#options;
    return spawnTaskWorkers({
      mode: taskWorkers ?? 'thread',
      runtime,
      logger: this.#logger,
      kvEngine,
      logStore,
      directory,
      directoryPath: typeof snapshotDirectory === 'string' ? snapshotDirectory : undefined,
      capacity: config.taskQueueCapacity,
      deadlineMs: config.taskDeadlineMs,
      onRegionResult: (result) => {
        this.#raftWorker.complete([{ regionId: result.regionId, message: { type: 'regionTaskDone', result } }]);
      },
    });
  }

  #createTickDriver(): TickDriver {
    const { config, runtime } = this.#options;
    return new TickDriver({
      config,
      timers: runtime.timers,
      onTick: () => this.#raftWorker.tick(),
      onStoreTick: (tick) => {
        this.#storeMailbox.sendControl({ type: 'storeTick', tick });
      },
    });
  }

  #createHost(): PeerHost {
    const { config, kvEngine, logStore, runtime, transport } = this.#options;
    return new PeerHost({
      storeId: this.storeId,
      clusterId: this.clusterId,
      config,
      runtime,
      logger: this.#logger,
      kvEngine,
      logStore,
      transport,
      logWriter: this.#logWriter,
      metrics: this.#metrics,
      snapshots: this.#snapshots,
      raftMailbox: this.#raftMailbox,
      applyMailbox: this.#applyMailbox,
      raftWorker: this.#raftWorker,
      tasks: this.#tasks,
      onHeartbeat: (request) => {
        this.#schedulerMailbox.send({ type: 'regionHeartbeat', request });
      },
      onLeadershipChange: (change) => {
        this.#changes.push(change);
      },
      onUnapplied: (message) => this.#answerWaiting([message], 'the store is closing'),
    });
  }

  #publishLeadership(): void {
    if (this.#changes.length === 0) return;
    const changes = this.#changes;
    this.#changes = [];
    this.leadershipChanges.next(changes);
  }

  #command(request: raft_cmdpb.RaftCmdRequest): void {
    this.#host.router.send(request.header?.regionId ?? 0, { type: 'raftCommand', request, reply: ignoreReply });
  }

  #transfer(peer: Peer, toPeerId: number): void {
    const target = peer.findPeer(toPeerId);
    const { regionId, meta, region } = peer;
    this.#command(
      cmd.RaftCmdRequest.create({
        header: cmd.RaftRequestHeader.create({ regionId, peer: meta, regionEpoch: region.regionEpoch }),
        adminRequest: cmd.AdminRequest.create({
          cmdType: cmd.AdminCmdType.TransferLeader,
          transferLeader: { peer: target },
        }),
      }),
    );
  }

  #storeStats(): schedulerpb.StoreStats {
    const { config } = this.#options;
    return schedulerpb.StoreStats.create({
      storeId: this.storeId,
      regionCount: this.#raftWorker.peers.size,
      sendingSnapCount: this.#snapshots.sending,
      receivingSnapCount: this.#snapshots.receiving,
      applyingSnapCount: this.#snapshots.applying,
      startTime: Math.floor(this.#startTimeMs / 1000),
      isBusy: this.#host.applyQueue.bytes >= config.maxApplyQueueBytes,
    });
  }
}
