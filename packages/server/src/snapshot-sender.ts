import { type raft_serverpb, tinykvpb } from '@flotilla/protocol';
import type { Runtime } from '@flotilla/runtime';
import { Client, type ClientWritableStream, credentials } from '@grpc/grpc-js';
import { clusterHeaders } from './cluster-header.ts';
import type { TransportConfig } from './config.ts';
import { peerClientOptions, type StoreResolver } from './transport-stream.ts';

/** Why a snapshot did not arrive. Nothing of it is kept at the receiver, unless the answer alone was lost. */
export type SnapshotSendErrorCode = 'unknownStore' | 'aborted' | 'timeout' | 'rejected' | 'sourceFailed';

/** A snapshot that could not be sent. */
export class SnapshotSendError extends Error {
  readonly code: SnapshotSendErrorCode;

  constructor(code: SnapshotSendErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'SnapshotSendError';
    this.code = code;
  }
}

/** What sending needs. */
export interface SnapshotSenderOptions {
  readonly clusterId: number;
  readonly resolve: StoreResolver;
  readonly config: TransportConfig;
  readonly runtime: Runtime;
}

/**
 * Streams one snapshot on a connection of its own, so that its bytes do not delay heartbeats: first the message, then the
 * files in chunks, no faster than the receiver stores them.
 *
 * @throws {SnapshotSendError} with the reason as `code`.
 */
export async function sendSnapshot(
  options: SnapshotSenderOptions,
  message: raft_serverpb.RaftMessage,
  files: AsyncIterable<Uint8Array>,
  signal: AbortSignal,
): Promise<void> {
  const { config, runtime, clusterId, resolve } = options;
  const storeId = message.toPeer?.storeId ?? 0;
  const deadline = new AbortController();
  const timer = runtime.timers.after(config.snapshotTimeoutMs, () => {
    deadline.abort(new SnapshotSendError('timeout', `the snapshot was not sent within ${config.snapshotTimeoutMs} ms`));
  });
  const ending = AbortSignal.any([signal, deadline.signal]);
  let client: Client | undefined;
  try {
    ending.throwIfAborted();
    const address = await resolve(storeId, ending);
    if (address === undefined) throw new SnapshotSendError('unknownStore', `store ${storeId} is not known`);
    client = new Client(address, credentials.createInsecure(), peerClientOptions(config));
    await stream(client, clusterId, chunksOf(message, files, config.snapshotChunkBytes), ending);
  } catch (error) {
    if (error instanceof SnapshotSendError) throw error;
    if (deadline.signal.aborted) throw deadline.signal.reason;
    const code = signal.aborted ? 'aborted' : 'rejected';
    const reason = error instanceof Error ? error.message : String(error);
    throw new SnapshotSendError(code, `store ${storeId} did not take the snapshot: ${reason}`, { cause: error });
  } finally {
    timer.cancel();
    client?.close();
  }
}

async function stream(
  client: Client,
  clusterId: number,
  chunks: AsyncIterable<raft_serverpb.SnapshotChunk>,
  signal: AbortSignal,
): Promise<void> {
  signal.throwIfAborted();
  const { path, requestSerialize, responseDeserialize } = tinykvpb.TinyKv.snapshot;
  let call: ClientWritableStream<raft_serverpb.SnapshotChunk> | undefined;
  let isAnswered = false;
  const answered = new Promise<void>((resolve, reject) => {
    call = client.makeClientStreamRequest(
      path,
      requestSerialize,
      responseDeserialize,
      clusterHeaders(clusterId),
      (error) => {
        isAnswered = true;
        if (error === null) resolve();
        else reject(error);
      },
    );
  });
  // It is awaited below; until then a rejection must not count as unhandled.
  answered.catch(() => {});
  const open = call as ClientWritableStream<raft_serverpb.SnapshotChunk> | undefined;
  if (open === undefined) return;
  open.on('error', () => {});
  const cancel = (): void => open.cancel();
  signal.addEventListener('abort', cancel, { once: true });
  const iterator = chunks[Symbol.asyncIterator]();
  try {
    // Whatever we wait for, the receiver's answer comes first: after a refusal there is no use in reading on.
    const refused = answered.then(() => undefined);
    while (!isAnswered) {
      const next = await Promise.race([iterator.next(), refused]);
      if (next === undefined || next.done === true) break;
      if (!open.write(next.value)) await Promise.race([drained(open), refused]);
    }
    open.end();
    await answered;
  } catch (error) {
    open.cancel();
    throw error;
  } finally {
    signal.removeEventListener('abort', cancel);
    void iterator.return?.();
  }
}

function drained(call: ClientWritableStream<raft_serverpb.SnapshotChunk>): Promise<void> {
  return new Promise((resolve) => {
    call.once('drain', resolve);
  });
}

async function* chunksOf(
  message: raft_serverpb.RaftMessage,
  files: AsyncIterable<Uint8Array>,
  chunkBytes: number,
): AsyncGenerator<raft_serverpb.SnapshotChunk> {
  const nothing = new Uint8Array();
  yield { message, data: nothing, isLast: false };
  try {
    for await (const file of files) {
      for (let start = 0; start < file.length; start += chunkBytes) {
        yield { message: undefined, data: file.subarray(start, start + chunkBytes), isLast: false };
      }
    }
  } catch (cause) {
    throw new SnapshotSendError('sourceFailed', 'the snapshot could not be read', { cause });
  }
  yield { message: undefined, data: nothing, isLast: true };
}
