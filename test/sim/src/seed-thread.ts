import { parentPort } from 'node:worker_threads';
import { drawPlan } from './plan.ts';
import { simulate } from './simulation.ts';

/** What a thread is asked to play. */
export interface SeedTask {
  readonly seed: number;
  readonly profile: string;
}

// Answers each task with its outcome, one after the other.
parentPort?.on('message', ({ seed, profile }: SeedTask) => {
  void simulate(drawPlan(seed, profile)).then((outcome) => parentPort?.postMessage(outcome));
});
