import type { ActorHandler, Mailbox } from '@flotilla/actor';
import { unreachable } from '@flotilla/runtime';
import type { RaftStoreConfig } from '../config.ts';
import { AwakePeers } from '../hibernation/awake-peers.ts';
import type { Peer } from '../peer/peer.ts';
import { failed, outcomeUnknown, regionNotFound } from '../region-error.ts';
import { answerIfOpen } from '../reply.ts';
import type { LogEffect, LogWriter } from './log-writer.ts';
import { type PeerMessage, type RaftWorkerMessage, wantsAnswer } from './message.ts';

/** What the raft worker needs. */
export interface RaftWorkerOptions {
  readonly config: RaftStoreConfig;
  readonly mailbox: Mailbox<RaftWorkerMessage>;
  readonly logWriter: LogWriter;
  /** Takes a message for a region that has no peer here, for the store worker to look at. */
  readonly onUnrouted: (regionId: number, message: PeerMessage) => void;
  /** Called at each tick, after the peers have had theirs. */
  readonly onTick: () => void;
  /** Called after each loop. */
  readonly onLoopEnd: () => void;
}

/**
 * The loop that all peers of a store share: handle what has arrived, in order, then take `Ready` once from each peer that
 * was touched, then write what all of them have to write as one batch.
 *
 * Messages to other stores leave while that batch is being written; what depends on it leaves when it is durable, as a
 * completion. Completions cannot be refused, so they do not wait in the mailbox but in a list of their own, whose length is
 * bounded by the work that is under way: one log write, one apply task a peer, the task workers' queues.
 */
export class RaftWorker implements ActorHandler<RaftWorkerMessage> {
  readonly #options: RaftWorkerOptions;
  readonly #peers = new Map<number, Peer>();
  readonly #touched = new Set<Peer>();
  readonly #ticking: AwakePeers;
  #completions: LogEffect[] = [];
  #inHand: readonly RaftWorkerMessage[] = [];
  #isTickQueued = false;
  #areCompletionsAnnounced = false;

  constructor(options: RaftWorkerOptions) {
    this.#options = options;
    this.#ticking = new AwakePeers(options.config);
  }

  /** How many peers hibernate. */
  get sleepers(): number {
    return this.#ticking.asleep.size;
  }

  /** Ticks of single peers since the store was opened. */
  get peerTicks(): number {
    return this.#ticking.peerTicks;
  }

  /** Peers by region id. */
  get peers(): ReadonlyMap<number, Peer> {
    return this.#peers;
  }

  addPeer(peer: Peer): void {
    this.#peers.set(peer.regionId, peer);
    this.#ticking.add(peer);
    this.complete([{ regionId: peer.regionId, message: { type: 'start' } }]);
  }

  removePeer(regionId: number): void {
    const peer = this.#peers.get(regionId);
    if (peer !== undefined) {
      this.#touched.delete(peer);
      this.#ticking.delete(peer);
    }
    this.#peers.delete(regionId);
  }

  /** Lets every peer tick; a tick that is still waiting stands for this one too. */
  tick(): void {
    if (this.#isTickQueued) return;
    this.#isTickQueued = this.#options.mailbox.sendControl({ type: 'tick' }) === 'accepted';
  }

  /** Brings in the outcome of work that was under way. Never refused. */
  complete(effects: readonly LogEffect[]): void {
    for (const effect of effects) this.#completions.push(effect);
    this.#announce();
  }

  /** Waits, when more than enough is gathered behind the write under way: then the mailbox fills and says so. */
  handleBatch(messages: readonly RaftWorkerMessage[]): void | Promise<void> {
    const { config, logWriter, onLoopEnd } = this.#options;
    this.#inHand = messages;
    for (const message of messages) this.#dispatch(message);
    for (const peer of this.#touched) {
      peer.handleReady();
      if (this.#ticking.asleep.has(peer)) this.#ticking.settle(peer);
    }
    this.#touched.clear();
    logWriter.flush();
    onLoopEnd();
    if (this.#completions.length > 0) this.#announce();
    this.#inHand = [];
    return logWriter.pendingBytes > config.maxPendingLogBytes ? logWriter.whenIdle() : undefined;
  }

  /** Answers what waits in every peer, and in the batch that a failure cut off, because the store closes or has failed. */
  abandon(reason: string): void {
    for (const peer of this.#peers.values()) peer.abandon(reason);
    for (const message of this.#inHand) {
      if (message.type !== 'peer' || !wantsAnswer(message.message)) continue;
      answerIfOpen(message.message.reply, failed(outcomeUnknown(reason)));
    }
  }

  /** A store is lost, or was restarted: wakes the peers of its regions, which elect another leader if theirs was there. */
  wakeRegionsOn(storeId: number): void {
    for (const peer of [...this.#ticking.asleep]) {
      if (!peer.region.peers.some((member) => member.storeId === storeId)) continue;
      peer.hibernation.wake(peer, peer.leader?.storeId === storeId);
      this.#ticking.settle(peer);
      this.#touched.add(peer);
    }
  }

  #announce(): void {
    if (this.#areCompletionsAnnounced) return;
    this.#areCompletionsAnnounced = this.#options.mailbox.sendControl({ type: 'completions' }) === 'accepted';
  }

  #dispatch(message: RaftWorkerMessage): void {
    switch (message.type) {
      case 'peer':
        this.#handle(message.regionId, message.message);
        return;
      case 'tick':
        this.#isTickQueued = false;
        this.#ticking.tick(this.#touched);
        this.#options.onTick();
        return;
      case 'completions':
        this.#handleCompletions();
        return;
      default:
        unreachable(message, 'raft worker message');
    }
  }

  #handleCompletions(): void {
    this.#areCompletionsAnnounced = false;
    const completions = this.#completions;
    this.#completions = [];
    for (const { regionId, message } of completions) this.#handle(regionId, message);
  }

  #handle(regionId: number, message: PeerMessage): void {
    const peer = this.#peers.get(regionId);
    if (peer === undefined) {
      if (wantsAnswer(message)) message.reply(failed(regionNotFound(regionId)));
      else this.#options.onUnrouted(regionId, message);
      return;
    }
    peer.handle(message);
    this.#touched.add(peer);
    this.#ticking.settle(peer);
  }
}
