import type { MachineSubscription } from './region-machine.ts';

/** A subscription that its store can end as well as its machine, so that whoever reads it knows to go on elsewhere. */
export class CutSubscription implements MachineSubscription {
  readonly #inner: MachineSubscription;
  readonly #onClose: () => void;
  #isCutOff = false;
  #isOver = false;
  #cut: (() => void) | undefined;

  constructor(inner: MachineSubscription, onClose: (self: CutSubscription) => void) {
    this.#inner = inner;
    this.#onClose = () => onClose(this);
  }

  /** Whether the replica ended it, and not the machine: another replica may serve what follows. */
  get isCutOff(): boolean {
    return this.#isCutOff;
  }

  async next(): Promise<Uint8Array | undefined> {
    if (this.#isOver) return undefined;
    const cut = new Promise<undefined>((resolve) => {
      this.#cut = () => resolve(undefined);
    });
    const piece = await Promise.race([this.#inner.next(), cut]);
    this.#cut = undefined;
    if (piece === undefined) this.close();
    return this.#isCutOff ? undefined : piece;
  }

  close(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#onClose();
    this.#inner.close();
    this.#cut?.();
  }

  /** Ends it because the replica can serve it no more. */
  cutOff(): void {
    if (this.#isOver) return;
    this.#isCutOff = true;
    this.close();
  }
}
