/** What has been opened and is closed again in the opposite order, each step whatever became of the one before. */
export class CleanupStack {
  readonly #steps: { readonly name: string; readonly close: () => Promise<unknown> | unknown }[] = [];
  readonly #onFailure: (name: string, error: unknown) => void;

  constructor(onFailure: (name: string, error: unknown) => void) {
    this.#onFailure = onFailure;
  }

  push(name: string, close: () => Promise<unknown> | unknown): void {
    this.#steps.push({ name, close });
  }

  /** Closes everything. Never rejects; failures are told one by one. */
  async run(): Promise<void> {
    for (let step = this.#steps.pop(); step !== undefined; step = this.#steps.pop()) {
      try {
        await step.close();
      } catch (error) {
        this.#onFailure(step.name, error);
      }
    }
  }
}
