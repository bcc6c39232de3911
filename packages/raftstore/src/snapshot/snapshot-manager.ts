import { columnFamilies } from '@flotilla/engine';
import type { raft_serverpb } from '@flotilla/protocol';
import type { Logger, Runtime } from '@flotilla/runtime';
import type { RaftStoreConfig } from '../config.ts';
import type { DiskWatch } from '../disk/disk-watch.ts';
import type { StoreMetrics } from '../metrics.ts';
import type { SnapshotReceiver } from '../store-handle.ts';
import type { Transport } from '../transport.ts';
import { IncomingSnapshot, readAnnouncement } from './incoming-snapshot.ts';
import type { SnapshotDirectory } from './snapshot-directory.ts';
import { SnapshotError } from './snapshot-error.ts';
import { familyFileName, metaFileName, parseSnapshotFileName, type SnapshotKey, snapshotName } from './snapshot-key.ts';
import { SnapshotSender, type SnapshotSendOutcome } from './snapshot-sender.ts';

/** What the snapshot manager needs. */
export interface SnapshotManagerOptions {
  readonly runtime: Runtime;
  readonly logger: Logger;
  readonly config: RaftStoreConfig;
  readonly metrics: StoreMetrics;
  readonly transport: Transport;
  readonly directory: SnapshotDirectory;
  readonly disk: DiskWatch;
  /** Hears what became of a snapshot that was sent. */
  readonly onSent: (regionId: number, toPeerId: number, outcome: SnapshotSendOutcome) => void;
  /** Takes the message of a snapshot whose files are here. */
  readonly onReceived: (message: raft_serverpb.RaftMessage) => void;
}

/**
 * The snapshots of a store: how many are on their way, which files somebody uses, and which nobody will.
 *
 * Sending and receiving have limits of their own, so that two stores that send to each other cannot wait for each other.
 * Invariant: a file that is in use is never removed; one that is being applied stays in use until the region has it all.
 */
export class SnapshotManager {
  readonly #options: SnapshotManagerOptions;
  readonly #inUse = new Map<string, number>();
  /** Received snapshots whose message the core may still take. */
  readonly #received = new Set<string>();
  readonly #sender: SnapshotSender;
  readonly #receives = new Set<IncomingSnapshot>();
  readonly #modifiedMs = new Map<string, number>();
  #applying = 0;
  #isClosed = false;

  constructor(options: SnapshotManagerOptions) {
    this.#options = options;
    this.#sender = new SnapshotSender({
      ...options,
      hold: (key) => this.#hold(snapshotName(key)),
      letGo: (key) => this.#letGo(snapshotName(key)),
    });
  }

  get sending(): number {
    return this.#sender.sending;
  }

  /** Whether a snapshot for that peer is on its way, or will be tried again. */
  isSending(regionId: number, toPeerId: number): boolean {
    return this.#sender.isSending(regionId, toPeerId);
  }

  get receiving(): number {
    return this.#receives.size;
  }

  get applying(): number {
    return this.#applying;
  }

  /** Streams the files of a `MsgSnapshot` to its peer's store; `onSent` follows, always. */
  send(message: raft_serverpb.RaftMessage): void {
    void this.#sender.send(message);
  }

  /**
   * Begins to receive a snapshot.
   *
   * @throws {SnapshotError} with code `tooManySnapshots`, `malformedSnapshot` or `closed`.
   */
  receive(message: raft_serverpb.RaftMessage): SnapshotReceiver {
    const { config, directory, runtime, logger } = this.#options;
    if (this.#isClosed) throw new SnapshotError('closed', 'the store is closing');
    if (this.#options.disk.isFull) throw new SnapshotError('diskFull', 'the disk has no room for a snapshot');
    const announcement = readAnnouncement(message);
    const name = snapshotName(announcement.key);
    if (this.#receives.size >= config.maxReceivingSnapshots || this.#inUse.has(name)) {
      throw new SnapshotError('tooManySnapshots', `${this.#receives.size} snapshots are being received`);
    }
    this.#hold(name);
    const timer = runtime.timers.after(config.snapshotTransferTimeoutMs, () => {
      logger.warn('a snapshot took too long to arrive', { snapshot: name });
      incoming.abort().catch((error: unknown) => logger.warn('a snapshot could not be dropped', { error }));
    });
    const incoming = new IncomingSnapshot({
      directory,
      announcement,
      onEnd: (isKept) => {
        timer.cancel();
        this.#receives.delete(incoming);
        this.#letGo(name);
        if (!isKept) return;
        this.#received.add(name);
        this.#options.onReceived(message);
      },
    });
    this.#receives.add(incoming);
    return incoming;
  }

  /** Whether the files of a received snapshot are here and whole. */
  isReceived(key: SnapshotKey): boolean {
    return this.#received.has(snapshotName(key));
  }

  /** Keeps the files of a snapshot while its data are put in place. */
  beginApply(key: SnapshotKey): void {
    this.#applying += 1;
    this.#hold(snapshotName(key));
  }

  /** The data are in place: the files may go. */
  endApply(key: SnapshotKey): void {
    this.#applying -= 1;
    this.#letGo(snapshotName(key));
    this.#discard(key);
  }

  /** The message of a received snapshot was refused: its files may go. */
  release(message: raft_serverpb.RaftMessage): void {
    const metadata = message.message?.snapshot?.metadata;
    if (metadata === undefined) return;
    this.#discard({ direction: 'rev', regionId: message.regionId, term: metadata.term, index: metadata.index });
  }

  /** Snapshots on disk that nobody uses, by region. */
  async idleSnapshots(): Promise<Map<number, SnapshotKey[]>> {
    const byRegion = new Map<number, SnapshotKey[]>();
    const seen = new Set<string>();
    for (const { name, modifiedMs } of await this.#options.directory.list()) {
      const key = parseSnapshotFileName(name);
      if (key === undefined) continue;
      const snapshot = snapshotName(key);
      this.#modifiedMs.set(snapshot, modifiedMs);
      if (seen.has(snapshot) || this.#inUse.has(snapshot)) continue;
      seen.add(snapshot);
      byRegion.set(key.regionId, [...(byRegion.get(key.regionId) ?? []), key]);
    }
    return byRegion;
  }

  /** Of the idle snapshots of a region, those that nobody will need now that its log begins after `truncatedIndex`. */
  useless(keys: readonly SnapshotKey[], truncatedIndex: number): SnapshotKey[] {
    const { config, runtime } = this.#options;
    const oldestMs = runtime.clock.wallMs() - config.sentSnapshotMaxAgeMs;
    return keys.filter((key) => {
      if (key.direction === 'rev') return key.index <= truncatedIndex || !this.isReceived(key);
      return key.index < truncatedIndex || (this.#modifiedMs.get(snapshotName(key)) ?? 0) < oldestMs;
    });
  }

  /** Removes snapshots unless somebody has begun to use them. */
  collect(keys: readonly SnapshotKey[]): void {
    for (const key of keys) this.#discard(key);
  }

  /** Gives up what is on its way. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#sender.close();
    await Promise.all([...this.#receives].map((incoming) => incoming.abort()));
  }

  #discard(key: SnapshotKey): void {
    const name = snapshotName(key);
    this.#received.delete(name);
    if (this.#inUse.has(name)) return;
    this.#modifiedMs.delete(name);
    // Until it is gone: another of the same name that arrives meanwhile would lose files.
    this.#hold(name);
    void this.#remove(key).then(() => this.#letGo(name));
  }

  /** The list goes first: what is left without it counts as nothing. */
  async #remove(key: SnapshotKey): Promise<void> {
    const { directory, logger } = this.#options;
    try {
      await directory.remove(metaFileName(key));
      for (const family of columnFamilies) await directory.remove(familyFileName(key, family));
    } catch (error) {
      logger.warn('a snapshot could not be removed', { snapshot: snapshotName(key), error });
    }
  }

  #hold(name: string): void {
    this.#inUse.set(name, (this.#inUse.get(name) ?? 0) + 1);
  }

  #letGo(name: string): void {
    const users = (this.#inUse.get(name) ?? 0) - 1;
    if (users > 0) this.#inUse.set(name, users);
    else this.#inUse.delete(name);
  }
}
