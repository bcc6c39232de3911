import type { PrefixState } from './acknowledged-prefix.ts';
import { removeCheckpoint, writeCheckpoint } from './checkpoint.ts';
import type { PrefixFingerprint } from './prefix-fingerprint.ts';

/** Keeps the checkpoint of one file up to date, one write at a time. */
export class CheckpointKeeper {
  readonly #path: string;
  readonly #clusterId: number;
  readonly #fingerprint: PrefixFingerprint;
  readonly #onFailure: (error: unknown) => void;
  #writing: Promise<void> = Promise.resolve();
  #isBusy = false;
  #hasFailed = false;

  constructor(path: string, clusterId: number, fingerprint: PrefixFingerprint, onFailure: (error: unknown) => void) {
    this.#path = path;
    this.#clusterId = clusterId;
    this.#fingerprint = fingerprint;
    this.#onFailure = onFailure;
  }

  /** Whether a load that stops now can be resumed. */
  get works(): boolean {
    return !this.#hasFailed;
  }

  /** Records `state`, unless the last record is still being written: the next one says more. */
  keep(state: PrefixState): void {
    if (!this.#isBusy && !this.#hasFailed) this.#start(state);
  }

  /** Records `state` for sure, and waits for it. */
  async keepLast(state: PrefixState): Promise<void> {
    await this.#writing;
    if (!this.#hasFailed && state.line > 0) this.#start(state);
    await this.#writing;
  }

  /** Forgets the checkpoint: the file is loaded. */
  async remove(): Promise<void> {
    await this.#writing;
    await removeCheckpoint(this.#path).catch(this.#onFailure);
  }

  #start(state: PrefixState): void {
    this.#isBusy = true;
    this.#writing = this.#write(state).then(
      () => {
        this.#isBusy = false;
      },
      (error: unknown) => {
        this.#isBusy = false;
        this.#hasFailed = true;
        this.#onFailure(error);
      },
    );
  }

  async #write(state: PrefixState): Promise<void> {
    const fingerprint = await this.#fingerprint.advanceTo(state.offset);
    // Cut short under our feet: what was loaded is no longer what the file begins with, so there is nothing to resume.
    if (fingerprint === undefined) return;
    await writeCheckpoint(this.#path, { version: 1, clusterId: this.#clusterId, ...state, fingerprint });
  }
}
