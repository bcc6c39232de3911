import { flotillapb, raft_serverpb } from '@flotilla/protocol';
import type { RaftStoreHandle, SnapshotReceiver } from '@flotilla/raftstore';
import type { TimerHandle, Timers } from '@flotilla/runtime';
import { decodeRequest, type RequestStream } from './grpc-service.ts';
import { RequestError } from './request-error.ts';

/** What other stores call: raft messages and snapshots. */
export interface PeerService {
  /** Takes in raft messages until the sender ends. A message that finds its mailbox full is dropped: raft sends again. */
  receiveMessages(requests: RequestStream): Promise<raft_serverpb.Done>;
  /** Takes in batches of raft messages as `receiveMessages` does single ones. */
  receiveBatches(requests: RequestStream): Promise<raft_serverpb.Done>;
  /** Takes in one snapshot, no faster than it can be stored. */
  receiveSnapshot(requests: RequestStream): Promise<raft_serverpb.Done>;
  /** Ends the streams of raft messages, and refuses new ones. */
  drain(): void;
  /** Raft messages that were dropped because a mailbox was full. */
  readonly droppedMessages: number;
}

/** The calls between stores over `store`. */
export function createPeerService(
  store: RaftStoreHandle,
  timers: Timers,
  options: { readonly snapshotIdleTimeoutMs: number },
): PeerService {
  const streams = new Set<RequestStream>();
  let isDraining = false;
  let droppedMessages = 0;

  const deliver = (message: raft_serverpb.RaftMessage): void => {
    const outcome = store.deliver(message);
    if (outcome === 'full') droppedMessages += 1;
    if (outcome === 'closed') throw closing();
  };
  const receive = async (requests: RequestStream, take: (bytes: Buffer) => void): Promise<raft_serverpb.Done> => {
    if (isDraining) throw closing();
    streams.add(requests);
    try {
      await requests.forEach(take);
      return {};
    } finally {
      streams.delete(requests);
    }
  };

  return {
    get droppedMessages() {
      return droppedMessages;
    },

    receiveMessages(requests) {
      return receive(requests, (bytes) => deliver(decodeRequest(raft_serverpb.RaftMessage.decode, bytes)));
    },

    receiveBatches(requests) {
      return receive(requests, (bytes) => {
        for (const message of decodeRequest(flotillapb.RaftMessageBatch.decode, bytes).messages) deliver(message);
      });
    },

    async receiveSnapshot(requests) {
      if (isDraining) throw closing();
      const chunks = withIdleTimeout(requests, timers, options.snapshotIdleTimeoutMs);
      let receiver: SnapshotReceiver | undefined;
      let isComplete = false;
      try {
        for await (const bytes of chunks) {
          if (isComplete) throw new RequestError('invalidArgument', 'a chunk follows the last one');
          const { message, data, isLast } = decodeRequest(raft_serverpb.SnapshotChunk.decode, bytes);
          if (receiver === undefined) {
            if (message === undefined) throw new RequestError('invalidArgument', 'message: the first chunk lacks it');
            receiver = await startReceiving(store, message);
          } else if (message !== undefined) {
            throw new RequestError('invalidArgument', 'message: only the first chunk may bring one');
          }
          if (data.length > 0) await receiver.write(data);
          isComplete = isLast;
        }
        if (receiver === undefined)
          throw new RequestError('invalidArgument', 'the stream ended before its first chunk');
        if (!isComplete) throw new RequestError('invalidArgument', 'the stream ended before its last chunk');
        await finishReceiving(receiver);
        return {};
      } catch (error) {
        await receiver?.abort();
        throw error;
      }
    },

    drain() {
      isDraining = true;
      for (const requests of streams) requests.stop(closing());
    },
  };
}

function closing(): RequestError {
  return new RequestError('unavailable', 'the store is shutting down');
}

async function startReceiving(store: RaftStoreHandle, message: raft_serverpb.RaftMessage): Promise<SnapshotReceiver> {
  try {
    return await store.receiveSnapshot(message);
  } catch (error) {
    throw snapshotRefusal(error);
  }
}

async function finishReceiving(receiver: SnapshotReceiver): Promise<void> {
  try {
    await receiver.finish();
  } catch (error) {
    throw snapshotRefusal(error);
  }
}

/** The status for a snapshot that the store does not take, by the error's stable code. */
function snapshotRefusal(error: unknown): unknown {
  const code = (error as { readonly code?: unknown } | null)?.code;
  const message = error instanceof Error ? error.message : String(error);
  if (code === 'tooManySnapshots' || code === 'diskFull')
    return new RequestError('resourceExhausted', message, { cause: error });
  if (code === 'malformedSnapshot') return new RequestError('invalidArgument', message, { cause: error });
  return error;
}

/** The requests, stopped when the sender is silent for too long; the time that the receiver takes does not count. */
async function* withIdleTimeout(requests: RequestStream, timers: Timers, idleMs: number): AsyncGenerator<Buffer> {
  const watch = (): TimerHandle =>
    timers.after(idleMs, () => requests.stop(new RequestError('deadlineExceeded', `nothing came for ${idleMs} ms`)));
  let timer = watch();
  try {
    for await (const bytes of requests) {
      timer.cancel();
      yield bytes;
      timer = watch();
    }
  } finally {
    timer.cancel();
  }
}
