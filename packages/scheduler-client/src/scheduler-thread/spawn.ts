import { Worker } from 'node:worker_threads';
import type { FromSchedulerThread, SchedulerThreadData, ToSchedulerThread } from './message.ts';

/** One life of the scheduler thread. */
export interface SchedulerThread {
  post(message: ToSchedulerThread): void;
  /** Ends it by force; resolves when it is gone. */
  end(): Promise<void>;
}

/** What a thread reports; never from within `spawn`. */
export interface SchedulerThreadEvents {
  onMessage(message: FromSchedulerThread): void;
  /** The thread has thrown or ended; may be told more than once. */
  onEnd(cause: unknown): void;
}

/** Starts a thread. */
export type SpawnSchedulerThread = (data: SchedulerThreadData, events: SchedulerThreadEvents) => SchedulerThread;

/** Starts a worker thread that runs the compiled entry, or another one that serves the same messages. */
export function spawnSchedulerThread(
  data: SchedulerThreadData,
  events: SchedulerThreadEvents,
  entry: URL = new URL('../../dist/scheduler-thread/entry.js', import.meta.url),
): SchedulerThread {
  // Without the flags of this process: loaders and test conditions have no place in a compiled entry.
  const thread = new Worker(entry, { name: 'scheduler', workerData: data, execArgv: [] });
  thread.on('message', (message: FromSchedulerThread) => events.onMessage(message));
  thread.on('messageerror', (cause) => events.onEnd(cause));
  thread.on('error', (cause) => events.onEnd(cause));
  thread.on('exit', (exitCode) => events.onEnd(new Error(`the thread ended with ${exitCode}`)));
  return {
    post: (message) => thread.postMessage(message),
    end: async () => {
      await thread.terminate();
    },
  };
}
