import type { ActorHandler } from '@flotilla/actor';
import { type metapb, raft_cmdpb, type schedulerpb } from '@flotilla/protocol';
import { type Logger, type Runtime, unreachable } from '@flotilla/runtime';
import type { SchedulerClient } from '@flotilla/scheduler-client';
import type { Subscription } from 'rxjs';
import { adminCommand } from '../admin-command.ts';
import type { Reply } from '../reply.ts';
import { type MemberAsk, MemberCheck } from './member-check.ts';
import type { SchedulerMessage } from './message.ts';
import { SplitAsker } from './split-asker.ts';

/** What the scheduler worker needs. */
export interface SchedulerWorkerOptions {
  readonly client: SchedulerClient;
  readonly runtime: Runtime;
  readonly logger: Logger;
  /** Gives a command to this store's peer; nobody waits for the answer, the scheduler asks again until it sees it done. */
  readonly onCommand: (request: raft_cmdpb.RaftCmdRequest) => void;
  /** Gives a split to the peer that asked for its ids, with whoever waits for its outcome. */
  readonly onSplit: (request: raft_cmdpb.RaftCmdRequest, reply: Reply) => void;
  /** Has this store's peer split its region at the keys, in the middle without any. */
  readonly onSplitOrder: (regionId: number, epoch: metapb.RegionEpoch | undefined, keys: readonly Uint8Array[]) => void;
  /** Hears of a peer of this store that is a member no more as of `confVer`. */
  readonly onNoMember: (ask: MemberAsk, confVer: number) => void;
}

/** A heartbeat that takes longer than this has failed; the next one says the same. */
const heartbeatTimeoutMs = 5000;

/** Talks to the scheduler for a store: heartbeats go out, what it asks for comes back as admin commands. */
export class SchedulerWorker implements ActorHandler<SchedulerMessage> {
  readonly #options: SchedulerWorkerOptions;
  readonly #subscription: Subscription;
  readonly #splits: SplitAsker;
  readonly #members: MemberCheck;
  #isStoreHeartbeatUnderWay = false;

  constructor(options: SchedulerWorkerOptions) {
    this.#options = options;
    this.#splits = new SplitAsker(options);
    this.#members = new MemberCheck(options);
    this.#subscription = options.client.regionHeartbeatResponses.subscribe((response) => {
      const request = toCommand(response);
      if (request !== undefined) options.onCommand(request);
      const { regionEpoch, regionId, splitRegion } = response;
      if (splitRegion !== undefined) options.onSplitOrder(regionId, regionEpoch, splitRegion.keys);
    });
  }

  handleBatch(messages: readonly SchedulerMessage[]): void {
    for (const message of messages) this.#handle(message);
  }

  close(): void {
    this.#subscription.unsubscribe();
    this.#splits.close();
    this.#members.close();
  }

  #handle(message: SchedulerMessage): void {
    switch (message.type) {
      case 'regionHeartbeat':
        this.#options.client.regionHeartbeat(message.request);
        return;
      case 'storeHeartbeat':
        void this.#storeHeartbeat(message.stats);
        return;
      case 'askMembership':
        void this.#members.ask(message.ask);
        return;
      case 'askSplit':
        void this.#splits.ask(message.ask);
        return;
      case 'reportSplit':
        void this.#splits.report(message.regions);
        return;
      default:
        unreachable(message, 'scheduler message');
    }
  }

  /** A scheduler that cannot be reached stops nothing: regions go on without it. */
  async #storeHeartbeat(stats: schedulerpb.StoreStats): Promise<void> {
    if (this.#isStoreHeartbeatUnderWay) return;
    this.#isStoreHeartbeatUnderWay = true;
    const controller = new AbortController();
    const timer = this.#options.runtime.timers.after(heartbeatTimeoutMs, () => controller.abort());
    try {
      await this.#options.client.storeHeartbeat(stats, controller.signal);
    } catch (error) {
      this.#options.logger.warn('a store heartbeat failed', { error });
    } finally {
      timer.cancel();
      this.#isStoreHeartbeatUnderWay = false;
    }
  }
}

/** The admin command that an answer asks for; `undefined` when it asks for nothing. */
export function toCommand(response: schedulerpb.RegionHeartbeatResponse): raft_cmdpb.RaftCmdRequest | undefined {
  const admin = adminRequestOf(response);
  const { regionId, regionEpoch, targetPeer } = response;
  return admin === undefined ? undefined : adminCommand({ regionId, regionEpoch, peer: targetPeer }, admin);
}

function adminRequestOf(response: schedulerpb.RegionHeartbeatResponse): Partial<raft_cmdpb.AdminRequest> | undefined {
  const { AdminCmdType } = raft_cmdpb;
  const { changePeer, changePeerV2, transferLeader } = response;
  if (changePeer?.peer !== undefined) return { cmdType: AdminCmdType.ChangePeer, changePeer };
  if (changePeerV2 !== undefined) return { cmdType: AdminCmdType.ChangePeerV2, changePeerV2 };
  if (transferLeader?.peer !== undefined) return { cmdType: AdminCmdType.TransferLeader, transferLeader };
  return undefined;
}
