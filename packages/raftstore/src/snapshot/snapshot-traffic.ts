import type { StoreMetrics } from '../metrics.ts';
import type { SnapshotReceiver } from '../store-handle.ts';
import type { Transport } from '../transport.ts';

/** A transport that counts the bytes of the snapshots that it sends. */
export function countingTransport(transport: Transport, metrics: StoreMetrics): Transport {
  return {
    send: (message) => transport.send(message),
    sendSnapshot: (message, files, signal) => transport.sendSnapshot(message, counted(files, metrics), signal),
  };
}

async function* counted(files: AsyncIterable<Uint8Array>, metrics: StoreMetrics): AsyncGenerator<Uint8Array> {
  for await (const chunk of files) {
    metrics.snapshotBytesSent += chunk.length;
    yield chunk;
  }
}

/** A receiver that counts the bytes that it has stored. */
export function countingReceiver(receiver: SnapshotReceiver, metrics: StoreMetrics): SnapshotReceiver {
  return {
    async write(chunk) {
      await receiver.write(chunk);
      metrics.snapshotBytesReceived += chunk.length;
    },
    finish: () => receiver.finish(),
    abort: () => receiver.abort(),
  };
}
