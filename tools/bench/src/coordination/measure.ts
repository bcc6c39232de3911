import type { Runtime } from '@flotilla/runtime';
import type { Workshop } from '../cluster/workshop.ts';
import { CoordinationLoad, type LoadResult, type LoadSizes, loadNames } from './load.ts';
import { type CoordinationSystem, openSystem, type SystemName } from './system.ts';

/** One load on one system in one round. */
export interface CoordinationMeasurement extends LoadResult {
  readonly system: SystemName;
  readonly round: number;
  /** Of this process, where the callers are, and of the server if that is another one. */
  readonly cpuSeconds: number;
  /** Heap and buffers of this process, the callers' own included; the server's peak if that is another process. */
  readonly memoryBytes: number;
}

/** What is to be measured. */
export interface CoordinationPlan {
  readonly systems: readonly SystemName[];
  readonly rounds: number;
  readonly sizes: LoadSizes;
  readonly workshop: Workshop;
  readonly runtime: Runtime;
  readonly etcdCommand: string | undefined;
  readonly note: (text: string) => void;
}

/** Runs every load on every system in each round, so that whatever else the machine does hits all of them. */
export async function measureCoordination(plan: CoordinationPlan): Promise<CoordinationMeasurement[]> {
  const found: CoordinationMeasurement[] = [];
  for (let round = 1; round <= plan.rounds; round += 1) {
    for (const system of plan.systems) {
      plan.note(`round ${round}: ${system}`);
      const opened = await openSystem(system, `${system}-${round}`, plan);
      const load = new CoordinationLoad(opened.backend, plan.sizes);
      for (const name of loadNames) {
        const cpu = cpuOf(opened);
        const result = await load.run(name);
        const cpuSeconds = cpuOf(opened) - cpu;
        const memoryBytes = opened.server === undefined ? ownMemory() : (opened.server.usage?.peakBytes ?? 0);
        found.push({ ...result, system, round, cpuSeconds, memoryBytes });
      }
      await opened.close();
    }
  }
  return found;
}

function cpuOf({ server }: CoordinationSystem): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6 + (server?.usage?.cpuSeconds ?? 0);
}

function ownMemory(): number {
  globalThis.gc?.();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}
