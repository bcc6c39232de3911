import type { raft_serverpb } from '@flotilla/protocol';
import { RateLimiter } from './rate-limiter.ts';
import { readSnapshotContent } from './snapshot-content.ts';
import { SnapshotError } from './snapshot-error.ts';
import { familyFileName, type SnapshotKey, snapshotName } from './snapshot-key.ts';
import type { SnapshotManagerOptions } from './snapshot-manager.ts';

/** What the sender needs. */
export interface SnapshotSenderOptions extends SnapshotManagerOptions {
  /** Keeps the files while they are being sent, and between two attempts. */
  readonly hold: (key: SnapshotKey) => void;
  readonly letGo: (key: SnapshotKey) => void;
}

/** The longest pause between two attempts. */
const maxBackoffMs = 10_000;

/**
 * Sends snapshots to other stores: so many at once, so many bytes a second over all of them. A transfer that fails, or
 * finds no room here or there, is tried again with the same files after a pause, in which it takes up no room.
 */
export class SnapshotSender {
  readonly #options: SnapshotSenderOptions;
  readonly #limiter: RateLimiter;
  /** Receivers for which something is being done, by region and peer. */
  readonly #receivers = new Set<string>();
  readonly #closing = new AbortController();
  #sending = 0;

  constructor(options: SnapshotSenderOptions) {
    this.#options = options;
    this.#limiter = new RateLimiter(options.runtime, options.config.maxSnapshotBytesPerSecond);
  }

  /** Transfers under way. */
  get sending(): number {
    return this.#sending;
  }

  isSending(regionId: number, toPeerId: number): boolean {
    return this.#receivers.has(`${regionId} ${toPeerId}`);
  }

  /** Sends the files of a `MsgSnapshot`; `onSent` follows, always. */
  async send(message: raft_serverpb.RaftMessage): Promise<void> {
    const { onSent, hold, letGo, runtime } = this.#options;
    const { regionId } = message;
    const toPeerId = message.toPeer?.id ?? 0;
    const metadata = message.message?.snapshot?.metadata;
    const content = message.message === undefined ? undefined : readSnapshotContent(message.message);
    const isRefused = this.#closing.signal.aborted || this.isSending(regionId, toPeerId);
    if (metadata === undefined || content === undefined || isRefused) {
      runtime.timers.defer(() => onSent(regionId, toPeerId, false));
      return;
    }
    const key: SnapshotKey = { direction: 'gen', regionId, term: metadata.term, index: metadata.index };
    const receiver = `${regionId} ${toPeerId}`;
    const families = content.meta.cfFiles.map((file) => file.cf);
    this.#receivers.add(receiver);
    hold(key);
    const isDelivered = await this.#attempt(message, key, families);
    letGo(key);
    this.#receivers.delete(receiver);
    onSent(regionId, toPeerId, isDelivered);
  }

  /** Gives up everything. */
  close(): void {
    this.#closing.abort(new SnapshotError('closed', 'the store is closing'));
  }

  async #attempt(message: raft_serverpb.RaftMessage, key: SnapshotKey, families: readonly string[]): Promise<boolean> {
    const { config, logger, metrics, runtime } = this.#options;
    const { signal } = this.#closing;
    for (let attempt = 1; ; attempt += 1) {
      const error = await this.#transfer(message, key, families);
      if (error === undefined) {
        metrics.snapshotsSent += 1;
        return true;
      }
      const isFinal = attempt >= config.maxSnapshotAttempts || signal.aborted;
      logger.warn('a snapshot could not be sent', {
        snapshot: snapshotName(key),
        toPeer: message.toPeer,
        attempt,
        isFinal,
        error,
      });
      if (isFinal) return false;
      metrics.snapshotSendRetries += 1;
      const backoffMs = Math.min(config.snapshotRetryBackoffMs * 2 ** (attempt - 1), maxBackoffMs);
      // Half of it by chance: receivers that refused many at once are not asked by all of them at once again.
      const pauseMs = backoffMs * (0.5 + runtime.random.fraction() / 2);
      await runtime.timers.sleep(pauseMs, signal).catch(() => {});
    }
  }

  /** One attempt; resolves with what went wrong. */
  async #transfer(message: raft_serverpb.RaftMessage, key: SnapshotKey, families: readonly string[]): Promise<unknown> {
    const { config, runtime, transport } = this.#options;
    if (this.#sending >= config.maxSendingSnapshots) {
      return new SnapshotError('tooManySnapshots', `${this.#sending} snapshots are being sent`);
    }
    const deadline = new AbortController();
    const timer = runtime.timers.after(config.snapshotTransferTimeoutMs, () => {
      deadline.abort(new SnapshotError('timeout', 'the snapshot took too long to be sent'));
    });
    const signal = AbortSignal.any([this.#closing.signal, deadline.signal]);
    this.#sending += 1;
    try {
      signal.throwIfAborted();
      await transport.sendSnapshot(message, this.#chunks(key, families, signal), signal);
      return undefined;
    } catch (error) {
      return error ?? new SnapshotError('closed', 'the transfer ended');
    } finally {
      timer.cancel();
      this.#sending -= 1;
    }
  }

  async *#chunks(key: SnapshotKey, families: readonly string[], signal: AbortSignal): AsyncIterable<Uint8Array> {
    const { config, directory } = this.#options;
    for (const family of families) {
      for await (const chunk of directory.read(familyFileName(key, family), config.snapshotChunkBytes)) {
        await this.#limiter.take(chunk.length, signal);
        yield chunk;
      }
    }
  }
}
