import { setTimeout as sleep } from 'node:timers/promises';
import { IdleCluster } from './idle-cluster.ts';

interface Course {
  readonly regions: number;
  readonly hibernateAfterMs: number;
}

interface Figures {
  /** Of a core, for each store. */
  readonly cpuPercent: number;
  readonly messagesPerSecond: number;
  readonly regionHeartbeatsPerSecond: number;
  readonly heapMib: number;
  readonly hibernating: number;
}

const stores = 3;
const measuredMs = 20_000;
const wakes = 200;
/** How long the first elections, and falling asleep, may take on a busy machine. */
const settlingMs = 120_000;

/**
 * Measures what regions cost that nobody uses: three stores in this process, each with a replica of every region, in memory.
 * `args` is the number of regions, 10,000 unless given, and `asleep` to leave out the courses in which they are kept awake.
 */
export async function runIdleRegionsSuite(print: (line: string) => void, args: readonly string[]): Promise<void> {
  const regions = Number(args[0] ?? '10000');
  print(`three stores in one process, each with a replica of every region; ${measuredMs / 1000} s without a command`);
  print(row(['regions', 'hibernate', 'CPU/store', 'raft msgs/s', 'region hb/s', 'heap/store', 'asleep']));
  const courses: readonly Course[] = [
    { regions: Math.ceil(regions / 10), hibernateAfterMs: 0 },
    { regions, hibernateAfterMs: 0 },
    { regions, hibernateAfterMs: 2_000 },
  ];
  for (const course of args[1] === 'asleep' ? courses.slice(-1) : courses) await runCourse(course, print);
}

async function runCourse({ regions, hibernateAfterMs }: Course, print: (line: string) => void): Promise<void> {
  const cluster = new IdleCluster(regions);
  await cluster.open({ hibernateAfterMs });
  const asleep = (): number => cluster.stores.reduce((sum, store) => sum + store.metrics().hibernatingPeers, 0);
  const isReady = (): boolean => cluster.led === regions && (hibernateAfterMs === 0 || asleep() === regions * stores);
  const deadlineMs = performance.now() + settlingMs;
  while (!isReady() && performance.now() < deadlineMs) await sleep(500);
  if (!isReady()) print(`  after ${settlingMs / 1000} s ${cluster.led} regions are led and ${asleep()} peers sleep`);
  const { cpuPercent, messagesPerSecond, regionHeartbeatsPerSecond, heapMib, hibernating } = await measure(cluster);
  print(
    row([
      String(regions),
      hibernateAfterMs === 0 ? 'off' : `${hibernateAfterMs} ms`,
      `${cpuPercent.toFixed(1)} %`,
      messagesPerSecond.toFixed(0),
      regionHeartbeatsPerSecond.toFixed(0),
      `${heapMib.toFixed(0)} MiB`,
      String(hibernating),
    ]),
  );
  if (hibernating > 0) print(await wakeLatency(cluster));
  await cluster.close();
}

async function measure(cluster: IdleCluster): Promise<Figures> {
  const sent = (): number => cluster.stores.reduce((sum, store) => sum + store.metrics().raftMessagesSent, 0);
  globalThis.gc?.();
  const [cpu, startedAtMs, messages, heartbeats] = [
    process.cpuUsage(),
    performance.now(),
    sent(),
    cluster.scheduler.regionHeartbeats,
  ];
  await sleep(measuredMs);
  const seconds = (performance.now() - startedAtMs) / 1000;
  const { user, system } = process.cpuUsage(cpu);
  const figures = {
    cpuPercent: ((user + system) / 1e6 / seconds / stores) * 100,
    messagesPerSecond: (sent() - messages) / seconds,
    regionHeartbeatsPerSecond: (cluster.scheduler.regionHeartbeats - heartbeats) / seconds,
    hibernating: cluster.stores.reduce((sum, store) => sum + store.metrics().hibernatingPeers, 0),
  };
  globalThis.gc?.();
  return { ...figures, heapMib: process.memoryUsage().heapUsed / stores / 1024 / 1024 };
}

async function wakeLatency(cluster: IdleCluster): Promise<string> {
  const first: number[] = [];
  const second: number[] = [];
  const step = Math.max(1, Math.floor(cluster.regions.length / wakes));
  for (let at = 0; at < cluster.regions.length; at += step) {
    const region = cluster.regions[at];
    if (region === undefined) continue;
    first.push(await cluster.put(region));
    second.push(await cluster.put(region));
  }
  const tell = (all: number[]): string => {
    all.sort((a, b) => a - b);
    const at = (part: number): string => (all[Math.min(all.length - 1, Math.floor(all.length * part))] ?? 0).toFixed(2);
    return `p50 ${at(0.5)} ms, p99 ${at(0.99)} ms`;
  };
  return `  a put that wakes its region: ${tell(first)}; the next one: ${tell(second)} (${first.length} regions)`;
}

function row(cells: readonly string[]): string {
  return cells.map((cell) => cell.padStart(13)).join('');
}
