import type { LocalStream } from '@flotilla/client';
import type { RaftStoreError, Transport } from '@flotilla/raftstore';
import type { LocalStoreCalls } from '@flotilla/server/local-store';

/** A promise of something that has ended: it never settles. */
export const never: Promise<never> = new Promise(() => {});

/**
 * One life of a store's process. Whatever the store does outside its own memory passes here, so that the life can end
 * between any two of these effects, and nothing that code still under way does afterwards counts.
 */
export class NodeRun {
  /** Hears of each effect before it happens, and may end the run. */
  onEffect: (() => void) | undefined;
  #isOver = false;

  get isOver(): boolean {
    return this.#isOver;
  }

  end(): void {
    this.#isOver = true;
    this.onEffect = undefined;
  }

  /** Asked before each effect; says whether it still happens. */
  step(): boolean {
    if (!this.#isOver) this.onEffect?.();
    return !this.#isOver;
  }

  /** The transport as this run has it. */
  transport(inner: Transport): Transport {
    return {
      send: (message) => (this.step() ? inner.send(message) : 'accepted'),
      sendSnapshot: (message, files, signal) => (this.step() ? inner.sendSnapshot(message, files, signal) : never),
    };
  }

  /** The calls that clients make; after the end none of them is answered. */
  calls(inner: LocalStoreCalls): LocalStoreCalls {
    return {
      storeId: inner.storeId,
      call: (path, request) => {
        const answer = inner.call(path, request);
        return answer === undefined ? undefined : this.answer(answer);
      },
      stream: (path, request) => {
        const stream = inner.stream(path, request);
        return stream === undefined ? undefined : this.#stream(stream);
      },
    };
  }

  #stream(inner: LocalStream): LocalStream {
    return {
      next: () => this.answer(inner.next()),
      get isCutOff() {
        return inner.isCutOff;
      },
      close: () => inner.close(),
    };
  }

  /** What a call came to, unless the run ends before the answer has left. */
  async answer<T>(outcome: Promise<T>): Promise<T> {
    try {
      return await outcome;
    } finally {
      if (!this.step()) await never;
    }
  }

  /** Passes on why a store had to stop, if it did so by itself. */
  fatal(report: (error: RaftStoreError) => void): (error: RaftStoreError) => void {
    return (error) => {
      if (!this.#isOver) report(error);
    };
  }
}
