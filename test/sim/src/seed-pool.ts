import { Worker } from 'node:worker_threads';
import type { SeedTask } from './seed-thread.ts';
import type { SimulationOutcome } from './simulation.ts';

/** Plays seeds on threads, each thread one at a time; hears of outcomes as they come. @throws what a thread dies of. */
export async function playSeeds(
  {
    from,
    seeds,
    profile,
    jobs,
  }: { readonly from: number; readonly seeds: number; readonly profile: string; readonly jobs: number },
  onOutcome: (outcome: SimulationOutcome) => void,
): Promise<void> {
  let next = from;
  const takeNext = (): SeedTask | undefined => {
    if (next >= from + seeds) return undefined;
    next += 1;
    return { seed: next - 1, profile };
  };
  const threads = Array.from({ length: Math.min(jobs, seeds) }, () => runThread(takeNext, onOutcome));
  await Promise.all(threads);
}

async function runThread(
  takeNext: () => SeedTask | undefined,
  onOutcome: (outcome: SimulationOutcome) => void,
): Promise<void> {
  const worker = new Worker(new URL('./seed-thread.js', import.meta.url), { execArgv: [] });
  try {
    await new Promise<void>((resolve, reject) => {
      const goOn = (): void => {
        const task = takeNext();
        if (task === undefined) resolve();
        else worker.postMessage(task);
      };
      worker.on('error', reject);
      worker.on('message', (outcome: SimulationOutcome) => {
        onOutcome(outcome);
        goOn();
      });
      goOn();
    });
  } finally {
    await worker.terminate();
  }
}
