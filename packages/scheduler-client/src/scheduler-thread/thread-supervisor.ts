import type { Runtime, TimerHandle } from '@flotilla/runtime';
import { backoffMs } from '../backoff.ts';
import type { FromSchedulerThread, SchedulerThreadData, ToSchedulerThread } from './message.ts';
import type { SchedulerThread, SpawnSchedulerThread } from './spawn.ts';
import type { SchedulerThreadConfig } from './thread-config.ts';

/** What supervising needs. */
export interface ThreadSupervisorOptions {
  readonly runtime: Runtime;
  readonly config: SchedulerThreadConfig;
  readonly spawn: SpawnSchedulerThread;
  /** What the next thread is given. */
  readonly data: () => SchedulerThreadData;
  /** Takes what the present thread says, but for its pongs. */
  readonly onMessage: (message: FromSchedulerThread) => void;
  /** Hears of a thread that failed before the next one is begun; `failures` counts those since one last lived for a while. */
  readonly onLost: (cause: unknown, failures: number) => void;
}

/**
 * Keeps one scheduler thread: one that throws, ends or hangs is replaced after a back-off.
 *
 * Invariant: only the present thread is heard; `#epoch` names it.
 */
export class ThreadSupervisor {
  readonly #options: ThreadSupervisorOptions;
  #thread: SchedulerThread | undefined;
  #epoch = 0;
  #isReady = false;
  #hasAnswered = false;
  /** Intervals since the ping that is not answered; undefined when all are. */
  #overdue: number | undefined;
  #failures = 0;
  #replaced = 0;
  #pings: TimerHandle | undefined;
  #restart: TimerHandle | undefined;
  #ending: Promise<void> = Promise.resolve();
  #isClosed = false;
  #onClosed: (() => void) | undefined;

  constructor(options: ThreadSupervisorOptions) {
    this.#options = options;
    this.#start();
  }

  /** Whether the present thread takes calls and heartbeats. */
  get isReady(): boolean {
    return this.#isReady;
  }

  /** Threads that failed and were replaced. */
  get replaced(): number {
    return this.#replaced;
  }

  /** Says something to the present thread; without one it is lost. */
  post(message: ToSchedulerThread): void {
    this.#thread?.post(message);
  }

  /** Has the thread close its connection and end; one that does not in time, or is not ready yet, is ended by force. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#disarm();
    const thread = this.#thread;
    if (thread === undefined) return this.#ending;
    if (this.#isReady) {
      await new Promise<void>((resolve) => {
        const { config, runtime } = this.#options;
        const timer = runtime.timers.after(config.closeDeadlineMs, () => {
          runtime.logger.warn('the scheduler thread did not close in time and is ended by force');
          resolve();
        });
        this.#onClosed = () => {
          timer.cancel();
          resolve();
        };
        thread.post({ type: 'close' });
      });
    }
    this.#forget();
    await thread.end();
  }

  #start(): void {
    const { config, data, runtime, spawn } = this.#options;
    this.#epoch += 1;
    const epoch = this.#epoch;
    this.#hasAnswered = false;
    this.#thread = spawn(data(), {
      onMessage: (message) => {
        if (epoch === this.#epoch) this.#take(message);
      },
      onEnd: (cause) => {
        if (epoch === this.#epoch) this.#lose(cause);
      },
    });
    this.#overdue = 0;
    this.#thread.post({ type: 'ping' });
    this.#pings = runtime.timers.every(config.pingIntervalMs, () => this.#ping());
  }

  #take(message: FromSchedulerThread): void {
    if (message.type === 'pong') {
      this.#overdue = undefined;
      // Its second answer, a whole interval after the first: it lives.
      if (this.#hasAnswered && this.#isReady) this.#failures = 0;
      this.#hasAnswered = true;
      return;
    }
    if (message.type === 'ready') this.#isReady = true;
    if (message.type === 'closed') this.#onClosed?.();
    this.#options.onMessage(message);
  }

  /** Counts intervals, not time: when this thread itself is held up, the other one's answers wait to be read. */
  #ping(): void {
    const { pingDeadlineMs, pingIntervalMs, startDeadlineMs } = this.#options.config;
    if (this.#overdue === undefined) {
      this.#overdue = 0;
      this.#thread?.post({ type: 'ping' });
      return;
    }
    this.#overdue += 1;
    const deadlineMs = this.#hasAnswered ? pingDeadlineMs : startDeadlineMs;
    if (this.#overdue * pingIntervalMs >= deadlineMs) this.#lose(new Error(`no answer within ${deadlineMs} ms`));
  }

  #lose(cause: unknown): void {
    const { config, onLost, runtime } = this.#options;
    if (this.#isClosed) {
      this.#onClosed?.();
      return;
    }
    this.#ending = this.#thread?.end() ?? Promise.resolve();
    this.#forget();
    this.#failures += 1;
    this.#replaced += 1;
    const bounds = { backoffInitialMs: config.restartBackoffInitialMs, backoffMaxMs: config.restartBackoffMaxMs };
    const pauseMs = backoffMs(this.#failures, bounds, runtime.random);
    runtime.logger.warn('the scheduler thread failed and is being replaced', {
      error: cause,
      failures: this.#failures,
      backoffMs: pauseMs,
    });
    this.#restart = runtime.timers.after(pauseMs, () => {
      // The old thread is gone before the new one begins, so that never two of them speak for one store.
      void this.#ending.then(() => {
        if (!this.#isClosed) this.#start();
      });
    });
    onLost(cause, this.#failures);
  }

  /** Hears the present thread no more. */
  #forget(): void {
    this.#disarm();
    this.#epoch += 1;
    this.#thread = undefined;
    this.#isReady = false;
  }

  #disarm(): void {
    this.#pings?.cancel();
    this.#restart?.cancel();
  }
}
