import type { raft_serverpb } from '@flotilla/protocol';
import { crc32c } from '@node-rs/crc32';
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

/** The files that one attempt sends. */
interface SnapshotFiles {
  readonly key: SnapshotKey;
  readonly files: readonly raft_serverpb.SnapshotCFFile[];
  /** Whether one of them turned out to be gone, or not to be what was generated. */
  isDamaged: boolean;
}

/** How sending ended: files that are damaged here do not become better by trying again. */
export type SnapshotSendOutcome = 'delivered' | 'failed' | 'damaged';

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
      runtime.timers.defer(() => onSent(regionId, toPeerId, 'failed'));
      return;
    }
    const key: SnapshotKey = { direction: 'gen', regionId, term: metadata.term, index: metadata.index };
    const receiver = `${regionId} ${toPeerId}`;
    this.#receivers.add(receiver);
    hold(key);
    const outcome = await this.#attempt(message, key, content.meta.cfFiles);
    letGo(key);
    this.#receivers.delete(receiver);
    onSent(regionId, toPeerId, outcome);
  }

  /** Gives up everything. */
  close(): void {
    this.#closing.abort(new SnapshotError('closed', 'the store is closing'));
  }

  async #attempt(
    message: raft_serverpb.RaftMessage,
    key: SnapshotKey,
    files: readonly raft_serverpb.SnapshotCFFile[],
  ): Promise<SnapshotSendOutcome> {
    const { config, logger, metrics, runtime } = this.#options;
    const { signal } = this.#closing;
    for (let attempt = 1; ; attempt += 1) {
      const source = { key, files, isDamaged: false };
      const error = await this.#transfer(message, source);
      if (error === undefined) {
        metrics.snapshotsSent += 1;
        return 'delivered';
      }
      const { isDamaged } = source;
      const isFinal = isDamaged || attempt >= config.maxSnapshotAttempts || signal.aborted;
      logger.warn('a snapshot could not be sent', {
        snapshot: snapshotName(key),
        toPeer: message.toPeer,
        attempt,
        isFinal,
        isDamaged,
        error,
      });
      if (isFinal) return isDamaged ? 'damaged' : 'failed';
      metrics.snapshotSendRetries += 1;
      const backoffMs = Math.min(config.snapshotRetryBackoffMs * 2 ** (attempt - 1), maxBackoffMs);
      // Half of it by chance: receivers that refused many at once are not asked by all of them at once again.
      const pauseMs = backoffMs * (0.5 + runtime.random.fraction() / 2);
      await runtime.timers.sleep(pauseMs, signal).catch(() => {});
    }
  }

  /** One attempt; resolves with what went wrong. */
  async #transfer(message: raft_serverpb.RaftMessage, source: SnapshotFiles): Promise<unknown> {
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
      await transport.sendSnapshot(message, this.#chunks(source, signal), signal);
      return undefined;
    } catch (error) {
      return error ?? new SnapshotError('closed', 'the transfer ended');
    } finally {
      timer.cancel();
      this.#sending -= 1;
    }
  }

  /**
   * The bytes of all files, checked as they pass: a file that is not what was generated ends the transfer before its last
   * bytes, so that it is known here and not by the receiver alone.
   */
  async *#chunks(source: SnapshotFiles, signal: AbortSignal): AsyncIterable<Uint8Array> {
    for (const { cf, checksum, size } of source.files) {
      const name = familyFileName(source.key, cf);
      let bytes = 0;
      let found = 0;
      for await (const chunk of this.#read(source, name)) {
        bytes += chunk.length;
        found = crc32c(chunk, found);
        if (bytes > size || (bytes === size && found !== checksum)) throw notAsGenerated(source, name);
        await this.#limiter.take(chunk.length, signal);
        yield chunk;
      }
      if (bytes < size) throw notAsGenerated(source, name);
    }
  }

  async *#read(source: SnapshotFiles, name: string): AsyncIterable<Uint8Array> {
    const { config, directory } = this.#options;
    try {
      yield* directory.read(name, config.snapshotChunkBytes);
    } catch (error) {
      source.isDamaged = true;
      throw error;
    }
  }
}

function notAsGenerated(source: SnapshotFiles, name: string): SnapshotError {
  source.isDamaged = true;
  return new SnapshotError('checksumMismatch', `${name} is not the file that was generated`);
}
