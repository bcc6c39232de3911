import type { WatchUpdate } from '../backend/watch.ts';

/** Updates that wait for the reader before the watch stops fetching more. */
const roomForUpdates = 4;

/** Between a watch and its reader. */
export class UpdateQueue {
  readonly #updates: WatchUpdate[] = [];
  #end: { readonly error?: unknown } | undefined;
  #reader: { resolve(result: IteratorResult<WatchUpdate>): void; reject(error: unknown): void } | undefined;
  #makeRoom: () => void = () => undefined;

  push(update: WatchUpdate): void {
    const reader = this.#reader;
    if (reader === undefined) {
      this.#updates.push(update);
      return;
    }
    this.#reader = undefined;
    reader.resolve({ done: false, value: update });
  }

  /** The next update, or the end. One call at a time. */
  take(): Promise<IteratorResult<WatchUpdate>> {
    const update = this.#updates.shift();
    if (update !== undefined) {
      if (this.#updates.length < roomForUpdates) this.#makeRoom();
      return Promise.resolve({ done: false, value: update });
    }
    if (this.#end === undefined) {
      return new Promise((resolve, reject) => {
        this.#reader = { resolve, reject };
      });
    }
    const { error } = this.#end;
    this.#end = {};
    return error === undefined ? Promise.resolve({ done: true, value: undefined }) : Promise.reject(error);
  }

  /** Resolves once the reader has fetched enough, or the signal aborts. */
  async room(signal: AbortSignal): Promise<void> {
    if (this.#updates.length < roomForUpdates || signal.aborted) return;
    await new Promise<void>((resolve) => {
      const done = (): void => {
        this.#makeRoom = () => undefined;
        signal.removeEventListener('abort', done);
        resolve();
      };
      this.#makeRoom = done;
      signal.addEventListener('abort', done, { once: true });
    });
  }

  /** There will be no more; a reader who waits learns at once, others after what is left. */
  end(): void {
    this.#finish({});
  }

  fail(error: unknown): void {
    this.#finish({ error });
  }

  #finish(end: { readonly error?: unknown }): void {
    if (this.#end !== undefined) return;
    const reader = this.#reader;
    this.#reader = undefined;
    if (reader === undefined) this.#end = end;
    else {
      this.#end = {};
      if (end.error === undefined) reader.resolve({ done: true, value: undefined });
      else reader.reject(end.error);
    }
  }
}
