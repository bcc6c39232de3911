import { createMemoryLogger, SimulatedWorld } from '@flotilla/runtime';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SupervisedWorker } from '../src/supervised-worker.ts';
import type { TaskHost, TaskHostEvents } from '../src/task-host.ts';
import type { TaskFailure, TaskFailureCode, TaskWorkerOptions } from '../src/task-worker.ts';

/** A host that does what the test says, and nothing else. */
interface PuppetHost extends TaskHost<number> {
  readonly events: TaskHostEvents<string>;
  readonly startedAtMs: number;
  readonly ran: number[];
  isReady: boolean;
  isKilled: boolean;
  endKill: () => void;
}

function setUp(options: Partial<TaskWorkerOptions<number, string>> = {}, killsAtOnce = true) {
  const world = new SimulatedWorld(1);
  const hosts: PuppetHost[] = [];
  const results: string[] = [];
  const failures: TaskFailure<number>[] = [];
  const worker = new SupervisedWorker<number, string>(
    {
      name: 'puppet',
      capacity: 10,
      timers: world.createRuntime('n1').timers,
      logger: createMemoryLogger(),
      onResult: (result) => results.push(result),
      onFailure: (failure) => failures.push(failure),
      ...options,
    },
    (events) => {
      const host: PuppetHost = {
        events,
        startedAtMs: world.nowMs,
        ran: [],
        isReady: false,
        isKilled: false,
        endKill: () => {},
        run: (task) => void host.ran.push(task),
        close: async () => {},
        kill: () =>
          new Promise((resolve) => {
            host.isKilled = true;
            host.endKill = resolve;
            if (killsAtOnce) resolve();
          }),
      };
      hosts.push(host);
      return host;
    },
  );
  const host = (index: number): PuppetHost => {
    const found = hosts.at(index);
    if (found === undefined) throw new Error(`no host ${index}`);
    return found;
  };
  return { world, worker, hosts, host, results, failures };
}

describe('SupervisedWorker', () => {
  it('doubles its back-off with each failure in a row, up to its limit, and starts over after a success', async () => {
    const { world, worker, hosts, host } = setUp({ restartBackoffMs: 10, maxRestartBackoffMs: 35, maxAttempts: 100 });
    worker.schedule(1);
    for (let failure = 0; failure < 5; failure += 1) {
      host(-1).events.onReady();
      host(-1).events.onFailed('threadExited', undefined);
      await world.advance(1_000);
    }
    const waits = hosts.slice(1).map(({ startedAtMs }, index) => startedAtMs - index * 1_000);
    expect(waits).toEqual([10, 20, 35, 35, 35]);
    host(-1).events.onReady();
    host(-1).events.onDone();
    const before = world.nowMs;
    host(-1).events.onFailed('threadExited', undefined);
    await world.advance(1_000);
    expect(host(-1).startedAtMs - before).toBe(10);
  });

  it('counts what becomes of tasks and handlers', async () => {
    const { world, worker, host } = setUp({ restartBackoffMs: 10, maxRestartBackoffMs: 10, maxAttempts: 2 });
    const idle = { done: 0, failed: 0, retried: 0, replaced: 0, pending: 0, isRunning: false };
    expect(worker.stats).toEqual(idle);
    worker.schedule(1);
    worker.schedule(2);
    host(0).events.onReady();
    await world.advance(1);
    expect(worker.stats).toEqual({ ...idle, pending: 2, isRunning: true });
    host(0).events.onFailed('handlerThrew', undefined);
    expect(worker.stats).toEqual({ ...idle, pending: 2, retried: 1, replaced: 1 });
    await world.advance(10);
    host(1).events.onReady();
    host(1).events.onFailed('handlerThrew', undefined);
    expect(worker.stats).toEqual({ ...idle, pending: 1, failed: 1, retried: 1, replaced: 2 });
    await world.advance(10);
    host(2).events.onReady();
    host(2).events.onDone();
    expect(worker.stats).toEqual({ ...idle, done: 1, failed: 1, retried: 1, replaced: 2 });
  });

  it('hears nothing from a host that it has given up', async () => {
    const { world, worker, hosts, host, results } = setUp({ deadlineMs: 100, restartBackoffMs: 10 });
    worker.schedule(1);
    host(0).events.onReady();
    await world.advance(50);
    host(0).events.onResult('cut off');
    await world.advance(50);
    expect(host(0).isKilled).toBe(true);
    host(0).events.onResult('late');
    host(0).events.onDone();
    host(0).events.onFailed('threadExited', undefined);
    await world.advance(10);
    expect(hosts).toHaveLength(2);
    host(1).events.onReady();
    host(1).events.onResult('whole');
    host(1).events.onDone();
    expect(results).toEqual(['whole']);
    expect(worker.pending).toBe(0);
  });

  it('starts the next host only when the last one is gone', async () => {
    const { world, worker, hosts, host } = setUp({ restartBackoffMs: 10 }, false);
    worker.schedule(1);
    host(0).events.onReady();
    host(0).events.onFailed('handlerThrew', undefined);
    await world.advance(1_000);
    expect(hosts).toHaveLength(1);
    host(0).endKill();
    await world.advance(10);
    expect(hosts).toHaveLength(2);
  });

  it('gives up a host that is not ready in time', async () => {
    const { world, worker, hosts, failures } = setUp({ startDeadlineMs: 100, restartBackoffMs: 10, maxAttempts: 2 });
    worker.schedule(1);
    await world.advance(100);
    await world.advance(110);
    expect(failures).toMatchObject([{ task: 1, code: 'startFailed', attempts: 2 }]);
    await world.advance(20);
    expect(hosts).toHaveLength(3);
  });

  it('replaces an idle host that ends, charging no task', async () => {
    const { world, worker, host, failures } = setUp({ restartBackoffMs: 10, maxAttempts: 1 });
    host(0).events.onReady();
    host(0).events.onFailed('threadExited', undefined);
    worker.schedule(1);
    await world.advance(10);
    host(1).events.onReady();
    host(1).events.onDone();
    expect([worker.pending, failures]).toEqual([0, []]);
  });

  it('ends every accepted task exactly once, in order, whatever its hosts do', async () => {
    const fate = fc.constantFrom<'done' | TaskFailureCode>('done', 'handlerThrew', 'threadExited', 'deadlineExceeded');
    const script = fc.array(fc.oneof(fate, fc.constant('schedule' as const), fc.constant('startFailed' as const)), {
      maxLength: 60,
    });
    await fc.assert(
      fc.asyncProperty(script, async (steps) => {
        const ended: number[] = [];
        const { world, worker, host } = setUp({
          deadlineMs: 1_000,
          maxAttempts: 2,
          maxRestartBackoffMs: 50,
          onFailure: ({ task }) => ended.push(task),
          onResult: (_result, task) => ended.push(task),
        });
        let accepted = 0;
        for (const step of steps) {
          const last = host(-1);
          if (step === 'schedule') accepted += worker.schedule(accepted) === 'accepted' ? 1 : 0;
          else if (step === 'startFailed') last.events.onFailed('startFailed', undefined);
          else {
            if (!last.isReady) last.events.onReady();
            last.isReady = true;
            const isRunning = worker.pending > 0;
            if (step === 'deadlineExceeded') await world.advance(1_000);
            else if (step !== 'done') last.events.onFailed(step, undefined);
            else if (isRunning && last.ran.length > 0 && !last.isKilled) {
              last.events.onResult('result');
              last.events.onDone();
            }
          }
          await world.advance(50);
        }
        const endedBefore = [...ended];
        let isClosed = false;
        void worker.close().then(() => {
          isClosed = true;
        });
        await world.advance(2_000);
        expect(isClosed).toBe(true);
        const all = Array.from({ length: accepted }, (_, task) => task);
        expect(endedBefore).toEqual(all.slice(0, endedBefore.length));
        expect([...ended].sort((a, b) => a - b)).toEqual(all);
        expect(worker.pending).toBe(0);
        expect(worker.schedule(99)).toBe('closed');
      }),
    );
  });
});
