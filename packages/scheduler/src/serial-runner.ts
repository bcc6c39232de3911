/** Runs asynchronous tasks one after the other, in the order in which they were handed in. */
export class SerialRunner {
  #tail: Promise<unknown> = Promise.resolve();

  /** Resolves or rejects as the task does; a task that fails does not stop those behind it. */
  run<T>(task: () => Promise<T>): Promise<T> {
    const result = this.#tail.then(task, task);
    this.#tail = result.catch(() => undefined);
    return result;
  }
}
