import { createMailbox, type Mailbox, type SendOutcome, type TaskWorker } from '@flotilla/actor';
import type { RaftLogStore } from '@flotilla/engine';
import { type raft_cmdpb, raft_serverpb, schedulerpb } from '@flotilla/protocol';
import type { Logger } from '@flotilla/runtime';
import { Subject } from 'rxjs';
import { answerWaiting } from './answer-waiting.ts';
import { ApplyWorker } from './apply/apply-worker.ts';
import type { ApplyMessage } from './apply/message.ts';
import { ChangeFeeds } from './change-feeds.ts';
import type { RaftStoreConfig } from './config.ts';
import { ConsistencyChecker } from './consistency/consistency-checker.ts';
import type { Inconsistency } from './consistency/inconsistency.ts';
import { DiskWatch } from './disk/disk-watch.ts';
import { aliveMessage, StoreLiveness } from './hibernation/store-liveness.ts';
import { RegionMachines } from './machine/region-machines.ts';
import { StoreMetrics, type StoreMetricsSnapshot } from './metrics.ts';
import { PeerHost } from './peer-host.ts';
import type { OpenRaftStoreOptions } from './raft-store.ts';
import { LogWriter } from './raft-worker/log-writer.ts';
import type { AnsweredMessage, RaftWorkerMessage } from './raft-worker/message.ts';
import { RaftWorker } from './raft-worker/raft-worker.ts';
import { failed, regionNotFound, serverIsBusy } from './region-error.ts';
import { ignoreReply, replyOnce } from './reply.ts';
import type { SchedulerMessage } from './scheduler-worker/message.ts';
import { SchedulerWorker } from './scheduler-worker/scheduler-worker.ts';
import { SlowWriteWatch } from './slow-write-watch.ts';
import type { SnapshotDirectory } from './snapshot/snapshot-directory.ts';
import { SnapshotManager } from './snapshot/snapshot-manager.ts';
import { countingTransport } from './snapshot/snapshot-traffic.ts';
import { RaftStoreError } from './store-error.ts';
import type { CommandResult } from './store-handle.ts';
import type { StoreMessage } from './store-worker/message.ts';
import { PendingVotes } from './store-worker/pending-votes.ts';
import { StoreWorker } from './store-worker/store-worker.ts';
import { spawnTaskWorkers, type TaskWorkers } from './task-workers.ts';
import { TickDriver } from './tick-driver.ts';

/** What a store is made of once it has been opened. */
export interface StoreWiringOptions extends Omit<OpenRaftStoreOptions, 'config'> {
  readonly config: RaftStoreConfig;
  readonly ident: raft_serverpb.StoreIdent;
  readonly logStore: RaftLogStore;
  readonly directory: SnapshotDirectory;
  readonly logger: Logger;
  /** Hears of a failure after which nothing may be acknowledged. */
  readonly onFailure: (what: string, cause: unknown) => void;
}

/** Room in each mailbox that only the store's own messages may use: one tick and one note of completions at a time. */
const controlReserve = 16;
/** At most two messages a peer wait for the apply worker; this many peers are more than a store can have. */
const applyMailboxCapacity = 1 << 22;

/** The actors of one store and the wires between them; starting and ending them is the running store's. */
export class StoreWiring {
  readonly feeds: ChangeFeeds = new ChangeFeeds();
  readonly metrics: StoreMetrics = new StoreMetrics();
  readonly raftMailbox: Mailbox<RaftWorkerMessage>;
  readonly storeMailbox: Mailbox<StoreMessage>;
  readonly applyMailbox: Mailbox<ApplyMessage>;
  readonly schedulerMailbox: Mailbox<SchedulerMessage>;
  readonly slowWrites: { readonly kv: SlowWriteWatch; readonly raft: SlowWriteWatch };
  readonly logWriter: LogWriter;
  readonly raftWorker: RaftWorker;
  readonly applyWorker: ApplyWorker;
  readonly storeWorker: StoreWorker;
  readonly schedulerWorker: SchedulerWorker;
  readonly snapshots: SnapshotManager;
  readonly consistency: ConsistencyChecker;
  readonly disk: DiskWatch;
  readonly machines: RegionMachines;
  readonly inconsistencies: Subject<Inconsistency> = new Subject<Inconsistency>();
  readonly tasks: TaskWorkers;
  readonly ticks: TickDriver;
  readonly host: PeerHost;
  readonly #options: StoreWiringOptions;
  readonly #storeId: number;
  readonly #startTimeMs: number;
  readonly #liveness: StoreLiveness;
  readonly #pendingVotes = new PendingVotes();

  constructor(options: StoreWiringOptions) {
    const { config, ident, logger, logStore, runtime } = options;
    this.#options = options;
    this.#storeId = ident.storeId;
    this.#startTimeMs = runtime.clock.wallMs();
    const capacity = config.mailboxCapacity + controlReserve;
    this.raftMailbox = createMailbox('raft', capacity, { reserved: controlReserve });
    this.storeMailbox = createMailbox('store', capacity, { reserved: controlReserve });
    this.applyMailbox = createMailbox('apply', applyMailboxCapacity);
    this.schedulerMailbox = createMailbox('scheduler', capacity);
    this.slowWrites = { kv: this.#watchWrites('kv'), raft: this.#watchWrites('raft') };
    this.logWriter = new LogWriter({
      engine: logStore.engine,
      clock: runtime.clock,
      metrics: this.metrics,
      slowWrites: this.slowWrites.raft,
      onPersisted: (effects) => this.raftWorker.complete(effects),
      onFailure: (cause) => options.onFailure('the raft database refused a write', cause),
    });
    this.#liveness = this.#createLiveness();
    this.raftWorker = this.#createRaftWorker();
    this.disk = new DiskWatch(options.diskSpace, config, logger);
    this.consistency = this.#createConsistencyChecker();
    this.machines = new RegionMachines({
      kinds: options.machines ?? [],
      kvEngine: options.kvEngine,
      runtime,
      execute: (request) => this.execute(request),
    });
    this.applyWorker = this.#createApplyWorker();
    this.snapshots = this.#createSnapshotManager();
    this.tasks = this.#spawnTasks();
    this.schedulerWorker = new SchedulerWorker({
      client: options.schedulerClient,
      runtime,
      logger,
      onCommand: (request) => this.command(request),
      onSplit: (request, reply) => this.route(request.header?.regionId ?? 0, { type: 'raftCommand', request, reply }),
      onSplitOrder: (regionId, regionEpoch, splitKeys) =>
        this.route(regionId, { type: 'splitRegion', regionEpoch, splitKeys, reply: ignoreReply }),
      onNoMember: ({ regionId, peerId }, confVer) =>
        this.raftWorker.complete([{ regionId, message: { type: 'noMember', peerId, confVer } }]),
    });
    this.ticks = this.#createTickDriver();
    this.host = this.#createHost();
    this.storeWorker = this.#createStoreWorker();
  }

  /** Brings a message from another store to its peer, or to the store worker where there is none. */
  deliver(message: raft_serverpb.RaftMessage): SendOutcome {
    this.metrics.raftMessagesReceived += 1;
    const fromStoreId = message.fromPeer?.storeId ?? 0;
    if (message.extra?.type === raft_serverpb.ExtraMessageType.StoreAlive) {
      this.#liveness.alive(fromStoreId, message.extra.incarnation);
      return 'accepted';
    }
    this.#liveness.heard(fromStoreId);
    const outcome = this.host.router.send(message.regionId, { type: 'raftMessage', message });
    const final = outcome === 'notFound' ? this.storeMailbox.send({ type: 'storeRaftMessage', message }) : outcome;
    if (final !== 'accepted') this.metrics.raftMessagesDropped += 1;
    return final;
  }

  /** Gives a peer a command of the store's own, whose answer nobody waits for. */
  command(request: raft_cmdpb.RaftCmdRequest): void {
    this.host.router.send(request.header?.regionId ?? 0, { type: 'raftCommand', request, reply: ignoreReply });
  }

  /** Gives a peer a command of the store's own, and has its answer. */
  execute(request: raft_cmdpb.RaftCmdRequest): Promise<CommandResult> {
    return new Promise((resolve) => {
      this.route(request.header?.regionId ?? 0, { type: 'raftCommand', request, reply: replyOnce(resolve) });
    });
  }

  /** Hands a peer something that has to be answered, or answers why it cannot. */
  route(regionId: number, message: AnsweredMessage): void {
    const outcome = this.host.router.send(regionId, message);
    if (outcome === 'notFound') message.reply(failed(regionNotFound(regionId)));
    else if (outcome !== 'accepted') message.reply(failed(serverIsBusy(`the raft mailbox is ${outcome}`)));
  }

  /** Everything that is counted and measured, as of now. */
  metricsSnapshot(): StoreMetricsSnapshot {
    const peers = [...this.raftWorker.peers.values()];
    const { workerStats } = this.#options.schedulerClient;
    const workers = Object.values(this.tasks).map((worker: TaskWorker<never>) => [worker.name, worker.stats] as const);
    if (workerStats !== undefined) workers.push(['scheduler', workerStats]);
    return this.metrics.snapshot({
      raftMailboxLength: this.raftMailbox.length,
      storeMailboxLength: this.storeMailbox.length,
      applyMailboxLength: this.applyMailbox.length,
      schedulerMailboxLength: this.schedulerMailbox.length,
      pendingLogBytes: this.logWriter.pendingBytes,
      applyQueueBytes: this.host.applyQueue.bytes,
      regionTasksPending: this.tasks.region.pending,
      diskFull: this.disk.isFull ? 1 : 0,
      snapshotsSending: this.snapshots.sending,
      snapshotsReceiving: this.snapshots.receiving,
      snapshotsApplying: this.snapshots.applying,
      hibernatingPeers: this.raftWorker.sleepers,
      peerTicks: this.raftWorker.peerTicks,
      peers: peers.length,
      leaders: peers.filter((peer) => peer.isLeader).length,
      workers: Object.fromEntries(workers),
    });
  }

  #watchWrites(database: 'kv' | 'raft'): SlowWriteWatch {
    const { config, logger, runtime } = this.#options;
    return new SlowWriteWatch({ database, config, clock: runtime.clock, logger, metrics: this.metrics });
  }

  #createLiveness(): StoreLiveness {
    const { config, runtime } = this.#options;
    const incarnation = runtime.random.fork('incarnation').integer(1, 2 ** 48);
    return new StoreLiveness({
      electionTicks: config.electionTicks,
      heartbeatTicks: config.heartbeatTicks,
      sendAlive: (storeId) => this.host.send(aliveMessage(this.#storeId, storeId, incarnation)),
      onLost: (storeId) => this.raftWorker.wakeRegionsOn(storeId),
    });
  }

  #createRaftWorker(): RaftWorker {
    return new RaftWorker({
      config: this.#options.config,
      mailbox: this.raftMailbox,
      logWriter: this.logWriter,
      onUnrouted: (_regionId, message) => {
        if (message.type === 'raftMessage')
          this.storeMailbox.send({ type: 'storeRaftMessage', message: message.message });
      },
      onTick: () => this.#liveness.tick(),
      onLoopEnd: () => this.feeds.publish(),
    });
  }

  #createApplyWorker(): ApplyWorker {
    const { config, kvEngine, runtime } = this.#options;
    return new ApplyWorker({
      storeId: this.#storeId,
      peerIdOf: (regionId) => this.raftWorker.peers.get(regionId)?.meta.id,
      kvEngine,
      clock: runtime.clock,
      metrics: this.metrics,
      slowWrites: this.slowWrites.kv,
      maxBatchBytes: config.maxApplyBatchBytes,
      syncEveryBytes: config.applySyncBytes,
      consistency: this.consistency,
      machines: this.machines,
      onResults: (results) => {
        this.raftWorker.complete(
          results.map((result) => ({ regionId: result.regionId, message: { type: 'applied', result } })),
        );
      },
    });
  }

  #createConsistencyChecker(): ConsistencyChecker {
    const { config, kvEngine, logger, onFailure } = this.#options;
    return new ConsistencyChecker({
      kvEngine,
      logger,
      metrics: this.metrics,
      maxChecks: config.maxConsistencyChecks,
      onComputed: (regionId, index, hash) => {
        this.raftWorker.complete([{ regionId, message: { type: 'hashComputed', index, hash } }]);
      },
      onInconsistency: (found) => {
        this.inconsistencies.next(found);
        if (!config.stopOnInconsistency) return;
        const what = `region ${found.regionId}: this replica differs from its leader's`;
        onFailure(what, new RaftStoreError('inconsistent', what));
      },
    });
  }

  #createSnapshotManager(): SnapshotManager {
    const { config, directory, runtime, transport } = this.#options;
    return new SnapshotManager({
      runtime,
      logger: this.#options.logger,
      config,
      metrics: this.metrics,
      transport: countingTransport(transport, this.metrics),
      directory,
      disk: this.disk,
      onSent: (regionId, toPeerId, outcome) => {
        this.feeds.snapshots.add({ type: outcome === 'delivered' ? 'sent' : 'sendFailed', regionId, toPeerId });
        this.raftWorker.complete([{ regionId, message: { type: 'snapshotStatus', toPeerId, outcome } }]);
      },
      onReceived: (message) => {
        const index = message.message?.snapshot?.metadata?.index ?? 0;
        this.feeds.snapshots.add({ type: 'received', regionId: message.regionId, index });
        if (this.deliver(message) !== 'accepted') this.snapshots.release(message);
      },
    });
  }

  #createStoreWorker(): StoreWorker {
    return new StoreWorker({
      storeId: this.#storeId,
      kvEngine: this.#options.kvEngine,
      logger: this.#options.logger,
      snapshots: this.snapshots,
      regions: this.host.regions,
      pendingVotes: this.#pendingVotes,
      hasPeer: (regionId) => this.host.router.has(regionId),
      redispatch: (message) => {
        this.host.router.send(message.regionId, { type: 'raftMessage', message });
      },
      createPeer: (regionId, meta) => this.host.addReplicated(regionId, meta),
      send: (message) => this.host.send(message),
      wantRange: (regionId) => {
        this.host.router.sendControl(regionId, { type: 'rangeWanted' });
      },
      gcSnapshots: (regionId, keys) => {
        this.host.router.sendControl(regionId, { type: 'gcSnapshot', keys });
      },
      disk: this.disk,
      storeHeartbeat: () => {
        this.schedulerMailbox.send({ type: 'storeHeartbeat', stats: this.#storeStats() });
      },
    });
  }

  #spawnTasks(): TaskWorkers {
    const { config, directory, kvEngine, logStore, runtime, snapshotDirectory, taskWorkers } = this.#options;
    return spawnTaskWorkers({
      mode: taskWorkers ?? 'thread',
      runtime,
      logger: this.#options.logger,
      kvEngine,
      logStore,
      directory,
      directoryPath: typeof snapshotDirectory === 'string' ? snapshotDirectory : undefined,
      capacity: config.taskQueueCapacity,
      deadlineMs: config.taskDeadlineMs,
      maxSnapshotBytesPerSecond: config.maxSnapshotBytesPerSecond,
      createTaskLife: this.#options.createTaskLife,
      onSplitCheckResult: (result) => {
        this.raftWorker.complete([{ regionId: result.regionId, message: { type: 'splitCheckDone', result } }]);
      },
      onRegionResult: (result) => {
        this.raftWorker.complete([{ regionId: result.regionId, message: { type: 'regionTaskDone', result } }]);
      },
    });
  }

  #createTickDriver(): TickDriver {
    const { config, runtime } = this.#options;
    return new TickDriver({
      config,
      timers: runtime.timers,
      onTick: () => {
        this.raftWorker.tick();
        this.slowWrites.kv.check();
        this.slowWrites.raft.check();
      },
      onStoreTick: (tick) => {
        this.storeMailbox.sendControl({ type: 'storeTick', tick });
      },
    });
  }

  #createHost(): PeerHost {
    const { config, kvEngine, logStore, runtime, transport } = this.#options;
    return new PeerHost({
      storeId: this.#storeId,
      clusterId: this.#options.ident.clusterId,
      config,
      runtime,
      logger: this.#options.logger,
      kvEngine,
      logStore,
      transport,
      logWriter: this.logWriter,
      metrics: this.metrics,
      snapshots: this.snapshots,
      liveness: this.#liveness,
      consistency: this.consistency,
      disk: this.disk,
      machines: this.machines,
      raftMailbox: this.raftMailbox,
      applyMailbox: this.applyMailbox,
      raftWorker: this.raftWorker,
      tasks: this.tasks,
      onHeartbeat: (request) => {
        this.schedulerMailbox.send({ type: 'regionHeartbeat', request });
      },
      pendingVotes: this.#pendingVotes,
      onAskMembership: (ask) => {
        this.schedulerMailbox.send({ type: 'askMembership', ask });
      },
      onAskSplit: (ask) => {
        const outcome = this.schedulerMailbox.send({ type: 'askSplit', ask });
        if (outcome !== 'accepted') ask.reply(failed(serverIsBusy(`the scheduler mailbox is ${outcome}`)));
      },
      onReportSplit: (regions) => {
        this.schedulerMailbox.send({ type: 'reportSplit', regions });
      },
      onRegionChange: (change) => {
        this.feeds.regions.add(change);
      },
      onSnapshotApplied: (regionId, index) => {
        this.feeds.snapshots.add({ type: 'applied', regionId, index });
      },
      onLeadershipChange: (change) => {
        this.feeds.leadership.add(change);
      },
      onUnapplied: (message) => answerWaiting([message], 'the store is closing'),
    });
  }

  #storeStats(): schedulerpb.StoreStats {
    const { config } = this.#options;
    const room = this.disk.room;
    return schedulerpb.StoreStats.create({
      capacity: room?.capacityBytes ?? 0,
      available: room?.availableBytes ?? 0,
      storeId: this.#storeId,
      regionCount: this.raftWorker.peers.size,
      sendingSnapCount: this.snapshots.sending,
      receivingSnapCount: this.snapshots.receiving,
      applyingSnapCount: this.snapshots.applying,
      startTime: Math.floor(this.#startTimeMs / 1000),
      isBusy: this.disk.isFull || this.host.applyQueue.bytes >= config.maxApplyQueueBytes,
    });
  }
}
