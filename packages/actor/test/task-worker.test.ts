import { afterEach, describe, expect, it } from 'vitest';
import { spawnInlineWorker } from '../src/inline-worker.ts';
import { spawnThreadWorker } from '../src/thread-worker.ts';
import { createTrialHandler } from './fixtures/trial-handler.mjs';
import { type SpawnTrialWorker, TaskWorkerTrial } from './task-worker-trial.ts';

const entry = new URL('./fixtures/trial-entry.mjs', import.meta.url);

/** Every kind of worker passes the same suite. */
const kinds: readonly (readonly [string, SpawnTrialWorker])[] = [
  ['inline', (options, data) => spawnInlineWorker({ ...options, createHandler: () => createTrialHandler(data) })],
  ['thread', (options, workerData) => spawnThreadWorker({ ...options, entry, workerData })],
];

const quick = { restartBackoffMs: 1, startDeadlineMs: 1e9 };

describe.each(kinds)('a task worker, %s', (_kind, spawn) => {
  const trials: TaskWorkerTrial[] = [];
  const open = (...rest: Parameters<typeof create>): TaskWorkerTrial => {
    const trial = create(...rest);
    trials.push(trial);
    return trial;
  };
  const create = (
    options?: ConstructorParameters<typeof TaskWorkerTrial>[1],
    data?: ConstructorParameters<typeof TaskWorkerTrial>[2],
  ): TaskWorkerTrial => new TaskWorkerTrial(spawn, options, data);

  afterEach(async () => {
    for (const trial of trials.splice(0)) {
      trial.openGate();
      await trial.close();
    }
  });

  it('delivers the results of its tasks in order', async () => {
    const trial = open();
    for (let value = 1; value <= 50; value += 1) trial.worker.schedule({ type: 'double', value });
    expect(trial.results).toEqual([]);
    expect(trial.worker.pending).toBe(50);
    await trial.untilSettled();
    expect(trial.results.map((result) => 'value' in result && result.value)).toEqual(
      Array.from({ length: 50 }, (_, index) => (index + 1) * 2),
    );
    expect(trial.failures).toEqual([]);
    expect(trial.created).toBe(1);
  });

  it('delivers every result of a task', async () => {
    const trial = open();
    trial.worker.schedule({ type: 'countTo', value: 3 });
    await trial.untilSettled();
    expect(trial.results).toEqual([1, 2, 3].map((value) => ({ type: 'counted', value })));
  });

  it('carries bytes both ways and leaves the sender its own', async () => {
    const trial = open();
    const bytes = new Uint8Array([1, 2, 3]);
    trial.worker.schedule({ type: 'reverse', bytes });
    await trial.untilSettled();
    expect(trial.results).toEqual([{ type: 'bytes', bytes: new Uint8Array([3, 2, 1]) }]);
    expect(bytes).toEqual(new Uint8Array([1, 2, 3]));
  });

  it('refuses tasks above its capacity, the one that runs counted', async () => {
    const trial = open({ capacity: 2 });
    expect(trial.worker.schedule({ type: 'waitForGate' })).toBe('accepted');
    await trial.until(() => trial.begun === 1);
    expect(trial.worker.schedule({ type: 'double', value: 1 })).toBe('accepted');
    expect(trial.worker.schedule({ type: 'double', value: 2 })).toBe('full');
    trial.openGate();
    await trial.untilSettled();
    expect(trial.results).toHaveLength(2);
    expect(trial.worker.schedule({ type: 'double', value: 3 })).toBe('accepted');
  });

  it('replaces a handler that throws and attempts its task again, delivering one attempt only', async () => {
    const trial = open(quick);
    trial.worker.schedule({ type: 'throwUntilAttempt', attempt: 3 });
    trial.worker.schedule({ type: 'double', value: 21 });
    await trial.untilSettled(1);
    expect(trial.results).toEqual([
      { type: 'counted', value: 3 },
      { type: 'doubled', value: 42 },
    ]);
    expect(trial.created).toBe(3);
    expect(trial.failures).toEqual([]);
    expect(trial.logger.messages('warn')).toHaveLength(2);
  });

  it('fails a task by name after its last attempt and goes on with the next', async () => {
    const trial = open({ ...quick, maxAttempts: 2 });
    const task = { type: 'throwUntilAttempt', attempt: 100 } as const;
    trial.worker.schedule(task);
    trial.worker.schedule({ type: 'double', value: 21 });
    await trial.untilSettled(1);
    expect(trial.failures).toMatchObject([{ task, code: 'handlerThrew', attempts: 2 }]);
    expect(trial.failures[0]?.cause).toMatchObject({ name: 'RangeError', message: 'thrown', code: 'trial' });
    expect(trial.results).toEqual([{ type: 'doubled', value: 42 }]);
  });

  it('cuts off an attempt that overruns its deadline', async () => {
    const trial = open({ ...quick, deadlineMs: 1_000, maxAttempts: 2 });
    trial.worker.schedule({ type: 'hang' });
    trial.worker.schedule({ type: 'double', value: 21 });
    await trial.until(() => trial.begun === 1);
    await trial.world.advance(999);
    expect(trial.logger.lines).toEqual([]);
    await trial.world.advance(1);
    expect(trial.logger.lines).toMatchObject([{ level: 'warn', fields: { code: 'deadlineExceeded', attempts: 1 } }]);
    // Rounds of 1 ms until the replacement has begun the second attempt, which leaves it time within its deadline.
    while (trial.begun < 2) await trial.world.advance(trial.created < 2 ? 1 : 0);
    await trial.world.advance(1_000);
    expect(trial.failures).toMatchObject([{ task: { type: 'hang' }, code: 'deadlineExceeded', attempts: 2 }]);
    while (trial.created < 3) await trial.world.advance(1);
    await trial.untilSettled();
    expect(trial.results).toEqual([{ type: 'doubled', value: 42 }]);
  });

  it('survives handlers that cannot be created', async () => {
    const trial = open({ ...quick, maxAttempts: 3 }, { failStarts: 2 });
    trial.worker.schedule({ type: 'double', value: 21 });
    await trial.untilSettled(1);
    expect(trial.results).toEqual([{ type: 'doubled', value: 42 }]);
    expect(trial.logger.lines.map((line) => line.fields['code'])).toEqual(['startFailed', 'startFailed']);
  });

  it('fails tasks whose handler can never be created', async () => {
    const trial = open({ ...quick, maxAttempts: 2, maxRestartBackoffMs: 1 }, { failStarts: 1_000 });
    trial.worker.schedule({ type: 'double', value: 1 });
    trial.worker.schedule({ type: 'double', value: 2 });
    await trial.untilSettled(1);
    expect(trial.failures).toMatchObject([
      { task: { value: 1 }, code: 'startFailed', attempts: 2, cause: { message: 'no start today' } },
      { task: { value: 2 }, code: 'startFailed', attempts: 2 },
    ]);
  });

  it('fails at once a task that is not plain data', async () => {
    const trial = open();
    const task = { type: 'double', value: (() => 1) as unknown as number } as const;
    expect(trial.worker.schedule(task)).toBe('accepted');
    trial.worker.schedule({ type: 'double', value: 21 });
    await trial.untilSettled();
    expect(trial.failures).toMatchObject([{ task, code: 'notPlainData', attempts: 1 }]);
    expect(trial.results).toEqual([{ type: 'doubled', value: 42 }]);
    expect(trial.created).toBe(1);
  });

  it('treats a result that is not plain data as an error of the handler', async () => {
    const trial = open({ ...quick, maxAttempts: 1 });
    trial.worker.schedule({ type: 'emitFunction' });
    await trial.untilSettled(1);
    expect(trial.failures).toMatchObject([{ code: 'handlerThrew', cause: { name: 'DataCloneError' } }]);
    expect(trial.results).toEqual([]);
  });

  it('refuses a result that comes after its task has ended', async () => {
    const trial = open();
    trial.worker.schedule({ type: 'emitLate' });
    await trial.until(() => trial.refusedLate === 1);
    expect(trial.results).toEqual([]);
  });

  it('on close lets the running task end, fails the others, and closes the handler once', async () => {
    const trial = open();
    trial.worker.schedule({ type: 'waitForGate' });
    trial.worker.schedule({ type: 'double', value: 1 });
    trial.worker.schedule({ type: 'double', value: 2 });
    await trial.until(() => trial.begun === 1);
    let isClosed = false;
    void trial.worker.close().then(() => {
      isClosed = true;
    });
    expect(trial.worker.schedule({ type: 'double', value: 3 })).toBe('closed');
    await trial.until(() => trial.failures.length === 2);
    expect(isClosed).toBe(false);
    trial.openGate();
    await trial.until(() => isClosed);
    expect(trial.results).toEqual([{ type: 'counted', value: 0 }]);
    expect(trial.failures).toMatchObject([
      { task: { value: 1 }, code: 'workerClosed', attempts: 0, cause: undefined },
      { task: { value: 2 }, code: 'workerClosed', attempts: 0, cause: undefined },
    ]);
    expect(trial.closed).toBe(1);
    expect(trial.worker.pending).toBe(0);
    await trial.close();
    expect(trial.closed).toBe(1);
  });

  it('closes while it waits for a replacement, failing the task that waits', async () => {
    const trial = open({ restartBackoffMs: 1_000 });
    trial.worker.schedule({ type: 'throwUntilAttempt', attempt: 100 });
    await trial.until(() => trial.logger.lines.length === 1);
    await trial.close();
    expect(trial.failures).toMatchObject([{ code: 'workerClosed', attempts: 1 }]);
    expect(trial.created).toBe(1);
  });

  it('does not attempt again a task that fails while it is being closed', async () => {
    const trial = open({ deadlineMs: 1_000 });
    trial.worker.schedule({ type: 'hang' });
    await trial.until(() => trial.begun === 1);
    let isClosed = false;
    void trial.worker.close().then(() => {
      isClosed = true;
    });
    await trial.world.advance(1_000);
    await trial.until(() => isClosed);
    expect(trial.failures).toMatchObject([{ code: 'deadlineExceeded', attempts: 1 }]);
    expect(trial.created).toBe(1);
  });

  it('closes at once when it never had a task', async () => {
    const trial = open();
    await trial.close();
    expect(trial.closed).toBe(1);
  });

  it('refuses bounds that make no sense', () => {
    expect(() => create({ capacity: 0 })).toThrow('capacity');
    expect(() => create({ maxAttempts: 0 })).toThrow('at least once');
  });
});
