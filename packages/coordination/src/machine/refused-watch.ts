import { etcdserverpb } from '@flotilla/protocol';
import type { MachineSubscription } from '@flotilla/raftstore';

/** A watch that cannot be: one piece that tells why, and the end. */
export class RefusedWatch implements MachineSubscription {
  #reason: string | undefined;

  constructor(reason: string) {
    this.#reason = reason;
  }

  async next(): Promise<Uint8Array | undefined> {
    const cancelReason = this.#reason;
    if (cancelReason === undefined) return undefined;
    this.#reason = undefined;
    return etcdserverpb.WatchResponse.encode(etcdserverpb.WatchResponse.create({ canceled: true, cancelReason }));
  }

  close(): void {
    this.#reason = undefined;
  }
}
