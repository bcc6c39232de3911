import { createMemoryLogger, SimulatedWorld } from '@flotilla/runtime';
import { expect, it } from 'vitest';
import { type HandlerLife, spawnInlineWorker } from '../src/inline-worker.ts';
import type { TaskFailure } from '../src/task-worker.ts';

/** What a handler works with: a disk of one file. */
class Disk {
  readonly lines: string[] = [];
  async append(line: string): Promise<void> {
    this.lines.push(line);
  }
}

/** A life that ends as `end` says; its disk answers no more then. */
function lives(ends: ('dies' | 'hangs' | 'ends well')[]): () => HandlerLife {
  return () => {
    const end = ends.shift() ?? 'ends well';
    let isOver = false;
    let die: ((cause: unknown) => void) | undefined;
    return {
      guard: (resource) =>
        new Proxy(resource, {
          get: (target, name) => async (line: string) => {
            if (isOver) await new Promise(() => {});
            await (Reflect.get(target, name, target) as (line: string) => Promise<void>).call(target, line);
            if (end === 'ends well') return;
            isOver = true;
            if (end === 'dies') die?.(new Error('gone'));
            await new Promise(() => {});
          },
        }),
      begin: (onDeath) => {
        die = onDeath;
      },
      end: () => {
        isOver = true;
      },
    };
  };
}

function setUp(ends: ('dies' | 'hangs' | 'ends well')[]) {
  const world = new SimulatedWorld(1);
  const disk = new Disk();
  const results: string[] = [];
  const failures: TaskFailure<string>[] = [];
  const worker = spawnInlineWorker<string, string>({
    name: 'writer',
    capacity: 5,
    deadlineMs: 1_000,
    timers: world.createRuntime('n1').timers,
    logger: createMemoryLogger(),
    onResult: (result) => results.push(result),
    onFailure: (failure) => failures.push(failure),
    createLife: lives(ends),
    createHandler: (guard) => {
      const guarded = guard(disk);
      return {
        handle: async (task, emit) => {
          emit(`${task} began`);
          await guarded.append(`${task} 1`);
          await guarded.append(`${task} 2`);
          emit(`${task} ended`);
        },
      };
    },
  });
  return { world, worker, disk, results, failures };
}

it('a handler that dies in the middle of a task does nothing more, and the task is handled again by another', async () => {
  const { world, worker, disk, results, failures } = setUp(['dies', 'ends well']);
  worker.schedule('a');
  worker.schedule('b');
  await world.advance(500);
  expect(disk.lines).toEqual(['a 1', 'a 1', 'a 2', 'b 1', 'b 2']);
  expect(results).toEqual(['a began', 'a ended', 'b began', 'b ended']);
  expect(failures).toEqual([]);
  expect(worker.stats).toMatchObject({ done: 2, retried: 1, replaced: 1 });
});

it('one that hangs is given up at its deadline', async () => {
  const { world, worker, disk, results } = setUp(['hangs', 'ends well']);
  worker.schedule('a');
  await world.advance(999);
  expect(disk.lines).toEqual(['a 1']);
  expect(results).toEqual([]);
  await world.advance(500);
  expect(disk.lines).toEqual(['a 1', 'a 1', 'a 2']);
  expect(results).toEqual(['a began', 'a ended']);
});

it('a task fails once every attempt has ended so', async () => {
  const { world, worker, failures } = setUp(['dies', 'dies', 'dies', 'ends well']);
  worker.schedule('a');
  await world.advance(5_000);
  expect(failures).toMatchObject([{ task: 'a', code: 'threadExited', attempts: 3 }]);
  worker.schedule('b');
  await world.advance(5_000);
  expect(worker.stats.done).toBe(1);
});
