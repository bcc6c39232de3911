import { defaultRaftStoreConfig, type RaftStoreConfig } from '@flotilla/raftstore';
import { createSeededRandom, type Random } from '@flotilla/runtime';

/** The kinds of faults and of changes that a simulation may hold. */
export const disturbances = [
  'loss',
  'clientLoss',
  'partitions',
  'crashes',
  'powerCuts',
  'pauses',
  'slowDisk',
  'diskFailures',
  'clockJumps',
  'clockDrift',
  'schedulerOutages',
  'members',
  'transfers',
  'splits',
  'shortLogs',
  'leaseReads',
  'hibernation',
  'rivals',
  'smallMessages',
  'damage',
  'taskDeaths',
  'ambushes',
] as const;

/** One kind of fault or change. */
export type Disturbance = (typeof disturbances)[number];

/** What profiles hold always; the other kinds are drawn, each with its own chance for each seed. */
export const profiles: Readonly<Record<string, readonly Disturbance[]>> = {
  /** Anything, by chance. */
  swarm: [],
  /** All at once. */
  storm: disturbances,
  network: ['loss', 'clientLoss', 'partitions', 'rivals'],
  crash: ['crashes', 'powerCuts', 'diskFailures', 'slowDisk', 'rivals'],
  disks: ['crashes', 'damage', 'diskFailures', 'members', 'shortLogs', 'taskDeaths', 'rivals'],
  regions: ['members', 'transfers', 'splits', 'shortLogs', 'rivals'],
  /** Faults at the worst moment. */
  ambush: ['ambushes', 'rivals', 'smallMessages', 'slowDisk'],
  /** The same where leaders read without asking. */
  leases: ['ambushes', 'rivals', 'leaseReads', 'transfers'],
  /** The same while members come and go. */
  upheaval: ['ambushes', 'rivals', 'members', 'loss', 'crashes'],
  reads: ['leaseReads', 'hibernation', 'clockJumps', 'clockDrift', 'pauses', 'partitions', 'transfers', 'rivals'],
};

/** Everything that a seed decides before the first event. */
export interface SimulationPlan {
  readonly seed: number;
  readonly stores: number;
  readonly clients: number;
  /** How slow the cluster's own time is: ticks of 100 ms, elections of a second, and all else, times this. */
  readonly timeScale: number;
  /** Virtual time for which clients work and faults happen. */
  readonly busyMs: number;
  readonly meanPauseMs: number;
  readonly active: ReadonlySet<Disturbance>;
  /** Between two faults of one kind, on average. */
  readonly gapMs: number;
  readonly config: Partial<RaftStoreConfig>;
  readonly syncMs: { readonly min: number; readonly max: number };
}

/** Draws a plan. A profile's own kinds are on, others with a chance that differs from seed to seed. */
export function drawPlan(seed: number, profile: string): SimulationPlan {
  const always = profiles[profile];
  if (always === undefined) throw new Error(`there is no profile ${profile}`);
  const random = createSeededRandom(seed).fork('plan');
  const chance = profile === 'swarm' ? 0.2 + random.fraction() * 0.6 : 0.15;
  const active = new Set(disturbances.filter((kind) => random.fraction() < chance || always.includes(kind)));
  const isSlow = active.has('slowDisk');
  // From the default tick of 100 ms to the whole second of clusters with many regions.
  const timeScale = [1, 5, 10, 10][random.integer(0, 4)] ?? 1;
  return {
    seed,
    stores: [3, 3, 4, 5, 5, 7][random.integer(0, 6)] ?? 3,
    clients: random.integer(2, 5),
    timeScale,
    busyMs: random.integer(40_000, 80_000) * timeScale,
    meanPauseMs: random.integer(300, 1_500) * timeScale,
    active,
    gapMs: random.integer(3_000, 12_000) * timeScale,
    config: drawConfig(random, active, timeScale),
    syncMs: isSlow ? { min: 1, max: random.integer(20, 400) } : { min: 0.1, max: 4 },
  };
}

function drawConfig(random: Random, active: ReadonlySet<Disturbance>, timeScale: number): RaftStoreConfig {
  const splitBytes = random.integer(2_000, 8_000);
  const logLimit = random.integer(10, 60);
  const scaled = (ms: number): number => ms * timeScale;
  return {
    ...defaultRaftStoreConfig,
    tickIntervalMs: scaled(100),
    regionHeartbeatIntervalMs: scaled(1_000),
    storeHeartbeatIntervalMs: scaled(5_000),
    logGcIntervalMs: scaled(random.integer(500, 3_000)),
    snapshotGcIntervalMs: scaled(random.integer(2_000, 20_000)),
    snapshotTransferTimeoutMs: scaled(10_000),
    // The scheduler of the simulation adds voters at once.
    allowBlankSecondVoter: true,
    leaseReads: active.has('leaseReads'),
    hibernateAfterMs: active.has('hibernation') ? scaled(random.integer(2_000, 8_000)) : 0,
    idleRegionHeartbeatIntervalMs: scaled(4_000),
    maxLeaderMissingMs: scaled(20_000),
    maxPeerDownMs: scaled(30_000),
    ...(active.has('taskDeaths') ? { taskDeadlineMs: scaled(2_000) } : {}),
    ...(active.has('smallMessages')
      ? {
          maxRaftMessageBytes: random.integer(100, 1_000),
          maxInflightMessages: random.integer(2, 8),
          entryCacheBytes: 2_000,
        }
      : {}),
    ...(active.has('shortLogs') ? { logGcThreshold: Math.ceil(logLimit / 2), logGcMaxEntries: logLimit } : {}),
    ...(active.has('splits')
      ? {
          splitCheckIntervalMs: scaled(1_000),
          regionMaxBytes: splitBytes,
          regionSplitBytes: Math.ceil(splitBytes * 0.7),
        }
      : {}),
  };
}

/** A plan in one line, for people. */
export function describePlan({ stores, clients, busyMs, timeScale, active }: SimulationPlan): string {
  const length = `${Math.round(busyMs / 1_000)} s with ticks of ${timeScale * 100} ms`;
  return `${stores} stores, ${clients} clients, ${length}: ${[...active].join(', ') || 'no faults'}`;
}
