import type { coordinationpb } from '@flotilla/protocol';
import type { CoordinationMachineConfig } from './machine-config.ts';
import type { MvccStore } from './mvcc-store.ts';

/** What the upkeep has of its machine. */
export interface UpkeepHost {
  readonly store: () => MvccStore;
  /** Logs a command; resolves once it was applied, or was refused, or nobody knows. Never rejects. */
  propose(command: Partial<coordinationpb.Command>): Promise<void>;
}

/** What a leader has done on its own beside ending leases: one command at a time. */
export class Upkeep {
  readonly #config: CoordinationMachineConfig;
  readonly #host: UpkeepHost;
  #isLeading = false;
  #isProposed = false;

  constructor(config: CoordinationMachineConfig, host: UpkeepHost) {
    this.#config = config;
    this.#host = host;
  }

  tick(isLeading: boolean): void {
    this.#isLeading = isLeading;
    this.#proceed();
  }

  #proceed(): void {
    if (!this.#isLeading || this.#isProposed) return;
    const command = this.#next();
    if (command === undefined) return;
    this.#isProposed = true;
    const { store } = this.#host;
    const before = store().purgeQueue.purged;
    void this.#host.propose(command).then(() => {
      this.#isProposed = false;
      // Purging goes on as fast as the log takes it; whatever was refused waits for the next tick.
      if (store().purgeQueue.purged > before) this.#proceed();
    });
  }

  #next(): Partial<coordinationpb.Command> | undefined {
    const { minLeaseTtlSeconds, retainedRevisions, purgeBatch } = this.#config;
    const store = this.#host.store();
    if (store.minLeaseTtlSeconds !== minLeaseTtlSeconds) {
      return { configure: { minLeaseTtl: BigInt(minLeaseTtlSeconds) } };
    }
    if (store.purgeQueue.has(store.compactRevision)) return { purge: { limit: purgeBatch } };
    const oldest = store.revision - retainedRevisions;
    // Some at a time: compaction is a write of its own.
    const isWorthIt = oldest - Math.max(store.compactRevision, 1) >= Math.max(1, retainedRevisions / 10);
    if (retainedRevisions > 0 && isWorthIt) return { compact: { revision: BigInt(oldest), physical: false } };
    return undefined;
  }
}
