import type { RegionCluster } from './region-cluster.ts';

/**
 * Loads files one after the other. A file may have to wait for something to have happened: so a load lasts as long as a
 * test needs, on a fast machine as on a slow one.
 */
export class PartedLoad {
  readonly done: Promise<void>;
  readonly #opened: (() => void)[] = [];
  #hasEnded = false;

  constructor(cluster: RegionCluster, files: readonly string[], concurrency: number) {
    const gates = files.map(
      (_, part) => new Promise<void>((resolve) => (part === 0 ? resolve() : this.#opened.push(resolve))),
    );
    this.done = this.#loadAll(cluster, files, gates, concurrency);
    // Told by whoever waits for it.
    this.done.catch(() => {});
  }

  /** Whether everything is loaded, or something went wrong. */
  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  /** Lets the next file that waits begin once those before it are loaded. */
  openNext(): void {
    this.#opened.shift()?.();
  }

  async #loadAll(
    cluster: RegionCluster,
    files: readonly string[],
    gates: readonly Promise<void>[],
    concurrency: number,
  ): Promise<void> {
    try {
      for (const [part, file] of files.entries()) {
        await gates[part];
        const { code, errors } = await cluster.run('load', file, '--concurrency', String(concurrency));
        if (code !== 0) throw new Error(`flotilla load exited with ${code}: ${errors}`);
      }
    } finally {
      this.#hasEnded = true;
    }
  }
}
