import type { raft_serverpb } from '@flotilla/protocol';
import type { Transport, TransportOutcome } from '@flotilla/raftstore';
import type { Runtime } from '@flotilla/runtime';
import type { TransportConfig } from './config.ts';
import { sendSnapshot } from './snapshot-sender.ts';
import { type StoreResolver, TransportStream } from './transport-stream.ts';

/** What the transport needs. */
export interface GrpcTransportOptions {
  /** Named to the other stores, so that a store of another cluster at a re-used address refuses us. */
  readonly clusterId: number;
  /** Asked at each new connection, so that a store that moved is found. */
  readonly resolve: StoreResolver;
  readonly config: TransportConfig;
  readonly runtime: Runtime;
  /** Hears that a store could not be reached or was lost, so that raft stops sending it entries for a while. */
  readonly onUnreachable?: (storeId: number) => void;
}

/** Carries raft messages and snapshots to other stores over gRPC: one stream for each store, one for each snapshot. */
export class GrpcTransport implements Transport {
  readonly #options: GrpcTransportOptions;
  readonly #streams = new Map<number, TransportStream>();
  readonly #closing = new AbortController();
  #isClosed = false;

  constructor(options: GrpcTransportOptions) {
    this.#options = options;
  }

  send(message: raft_serverpb.RaftMessage): TransportOutcome {
    if (this.#isClosed) return 'closed';
    const storeId = message.toPeer?.storeId ?? 0;
    if (storeId === 0) return 'unknownStore';
    let stream = this.#streams.get(storeId);
    if (stream === undefined) {
      const { onUnreachable = () => {}, ...options } = this.#options;
      stream = new TransportStream({ ...options, storeId, onUnreachable });
      this.#streams.set(storeId, stream);
    }
    return stream.send(message);
  }

  /** @throws {SnapshotSendError} with the reason as `code`. */
  sendSnapshot(
    message: raft_serverpb.RaftMessage,
    files: AsyncIterable<Uint8Array>,
    signal: AbortSignal,
  ): Promise<void> {
    return sendSnapshot(this.#options, message, files, AbortSignal.any([signal, this.#closing.signal]));
  }

  /** Messages that wait for a store. */
  queued(storeId: number): number {
    return this.#streams.get(storeId)?.queued ?? 0;
  }

  /** Ends every stream and snapshot, and drops what waits. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#closing.abort(new Error('the transport was closed'));
    for (const stream of this.#streams.values()) stream.close();
    this.#streams.clear();
  }
}
