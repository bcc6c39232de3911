import type { Runtime, TimerHandle } from '@flotilla/runtime';
import { refuseIfAborted, SchedulerError } from '../scheduler-error.ts';
import type { SchedulerAnswers, SchedulerCall, ToSchedulerThread } from './message.ts';
import { withOwnBytes } from './own-bytes.ts';
import type { SchedulerThreadConfig } from './thread-config.ts';

/** What keeping calls needs. */
export interface CallTableOptions {
  readonly runtime: Runtime;
  readonly config: Pick<SchedulerThreadConfig, 'maxCalls' | 'callDeadlineMs'>;
  readonly isReady: () => boolean;
  readonly post: (message: ToSchedulerThread) => void;
}

interface PendingCall {
  readonly call: SchedulerCall;
  readonly deadline: TimerHandle;
  readonly signal: AbortSignal | undefined;
  readonly onAbort: () => void;
  readonly resolve: (answer: never) => void;
  readonly reject: (error: SchedulerError) => void;
}

/** Calls that have not ended. Those made while no thread is ready wait for the next one. */
export class CallTable {
  readonly #options: CallTableOptions;
  readonly #pending = new Map<number, PendingCall>();
  #nextId = 1;
  #done = 0;
  #failed = 0;
  #isClosed = false;

  constructor(options: CallTableOptions) {
    this.#options = options;
  }

  get pending(): number {
    return this.#pending.size;
  }

  /** Calls that the scheduler answered, whatever it said. */
  get done(): number {
    return this.#done;
  }

  /** Calls that were cut off. */
  get failed(): number {
    return this.#failed;
  }

  /** Makes a call. Rejects with `SchedulerError`. */
  async make<Type extends SchedulerCall['type']>(
    call: Extract<SchedulerCall, { readonly type: Type }>,
    signal: AbortSignal | undefined,
  ): Promise<SchedulerAnswers[Type]> {
    const { config, isReady, post, runtime } = this.#options;
    if (this.#isClosed) throw new SchedulerError('closed', `${call.type}: the client is closed`);
    refuseIfAborted(signal, call.type);
    if (this.#pending.size >= config.maxCalls) {
      throw new SchedulerError('unavailable', `${call.type}: ${config.maxCalls} calls are under way`);
    }
    const id = this.#nextId;
    this.#nextId += 1;
    const own = withOwnBytes<SchedulerCall>(call);
    return new Promise<SchedulerAnswers[Type]>((resolve, reject) => {
      const onAbort = (): void => {
        const cause = signal?.reason;
        this.#cut(id, new SchedulerError('cancelled', `${call.type} was cancelled by the caller`, { cause }));
      };
      const onDeadline = (): void => {
        this.#cut(id, new SchedulerError('unavailable', `${call.type}: no answer in ${config.callDeadlineMs} ms`));
      };
      const deadline = runtime.timers.after(config.callDeadlineMs, onDeadline);
      signal?.addEventListener('abort', onAbort, { once: true });
      this.#pending.set(id, { call: own, deadline, signal, onAbort, resolve, reject });
      if (isReady()) post({ type: 'call', id, call: own });
    });
  }

  /** A thread is ready: tells it of the calls that have waited for one. */
  onReady(): void {
    for (const [id, { call }] of this.#pending) this.#options.post({ type: 'call', id, call });
  }

  answer(id: number, answer: SchedulerAnswers[keyof SchedulerAnswers]): void {
    const pending = this.#end(id);
    if (pending === undefined) return;
    this.#done += 1;
    pending.resolve(answer as never);
  }

  refuse(id: number, error: SchedulerError): void {
    const pending = this.#end(id);
    if (pending === undefined) return;
    this.#done += 1;
    pending.reject(error);
  }

  /** Fails all calls: whether they took effect is not known. */
  failAll(code: 'unavailable' | 'closed', reason: string): void {
    for (const [id, { call, reject }] of this.#pending) {
      this.#end(id);
      this.#failed += 1;
      reject(new SchedulerError(code, `${call.type}: ${reason}`));
    }
  }

  close(): void {
    this.#isClosed = true;
    this.failAll('closed', 'the client was closed');
  }

  #cut(id: number, error: SchedulerError): void {
    const pending = this.#end(id);
    if (pending === undefined) return;
    this.#failed += 1;
    this.#options.post({ type: 'cancel', id });
    pending.reject(error);
  }

  #end(id: number): PendingCall | undefined {
    const pending = this.#pending.get(id);
    if (pending === undefined) return undefined;
    this.#pending.delete(id);
    pending.deadline.cancel();
    pending.signal?.removeEventListener('abort', pending.onAbort);
    return pending;
  }
}
