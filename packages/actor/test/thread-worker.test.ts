import { expect, it } from 'vitest';
import { spawnThreadWorker } from '../src/thread-worker.ts';
import { type SpawnTrialWorker, TaskWorkerTrial } from './task-worker-trial.ts';

const entry = new URL('./fixtures/trial-entry.mjs', import.meta.url);
const spawn: SpawnTrialWorker = (options, workerData) => spawnThreadWorker({ ...options, entry, workerData });
const quick = { restartBackoffMs: 1, startDeadlineMs: 1e9 };

it('replaces a thread that ends by itself and keeps its queue', async () => {
  const trial = new TaskWorkerTrial(spawn, { ...quick, maxAttempts: 2 });
  trial.worker.schedule({ type: 'double', value: 1 });
  trial.worker.schedule({ type: 'exit' });
  trial.worker.schedule({ type: 'double', value: 21 });
  await trial.untilSettled(1);
  expect(trial.failures).toMatchObject([{ task: { type: 'exit' }, code: 'threadExited', attempts: 2 }]);
  expect(trial.results).toEqual([
    { type: 'doubled', value: 2 },
    { type: 'doubled', value: 42 },
  ]);
  expect(trial.created).toBe(3);
  await trial.close();
});

it('ends a thread that spins without ever yielding, and closes after it', async () => {
  const trial = new TaskWorkerTrial(spawn, { ...quick, maxAttempts: 1, deadlineMs: 1_000 });
  trial.worker.schedule({ type: 'spin' });
  await trial.until(() => trial.begun === 1);
  await trial.world.advance(1_000);
  expect(trial.failures).toMatchObject([{ code: 'deadlineExceeded', attempts: 1 }]);
  await trial.close();
});

it('ends by force a thread that does not close in time', async () => {
  const stuck = new URL('./fixtures/stuck-entry.mjs', import.meta.url);
  const trial = new TaskWorkerTrial((options) => spawnThreadWorker({ ...options, entry: stuck }), {
    closeDeadlineMs: 500,
  });
  let isClosed = false;
  void trial.worker.close().then(() => {
    isClosed = true;
  });
  await trial.world.advance(500);
  await trial.until(() => isClosed);
  expect(trial.logger.messages('warn')).toEqual(['a task worker did not close in time and is ended by force']);
});

it('fails its tasks when the entry cannot be loaded', async () => {
  const missing = new URL('./fixtures/no-such-entry.mjs', import.meta.url);
  const trial = new TaskWorkerTrial((options) => spawnThreadWorker({ ...options, entry: missing }), {
    ...quick,
    maxAttempts: 1,
  });
  trial.worker.schedule({ type: 'double', value: 1 });
  await trial.untilSettled(1);
  expect(trial.failures).toMatchObject([
    { code: 'startFailed', attempts: 1, cause: { message: expect.stringContaining('no-such-entry.mjs') } },
  ]);
  await trial.close();
});
