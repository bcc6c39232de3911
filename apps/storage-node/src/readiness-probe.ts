import type { RaftStoreHandle } from '@flotilla/raftstore';
import type { Readiness } from '@flotilla/server';

/** What a node is doing besides serving. */
export type NodePhase = 'starting' | 'serving' | 'stopping' | 'failed';

/** Decides whether a node is ready: it serves, and every region here knows its leader. */
export class ReadinessProbe {
  phase: NodePhase = 'starting';
  #store: Pick<RaftStoreHandle, 'status'> | undefined;

  /** The store whose regions count from now on. */
  watch(store: Pick<RaftStoreHandle, 'status'>): void {
    this.#store = store;
  }

  read(): Readiness {
    const reasons = this.phase === 'serving' ? this.#leaderless() : [`the node is ${this.phase}`];
    return { isReady: reasons.length === 0, reasons };
  }

  /** A store without regions is ready: its first ones come from elsewhere. */
  #leaderless(): string[] {
    const regions = (this.#store?.status() ?? []).filter(({ leader }) => leader === undefined);
    return regions.map(({ region }) => `region ${region?.id ?? 0} knows no leader`);
  }
}
