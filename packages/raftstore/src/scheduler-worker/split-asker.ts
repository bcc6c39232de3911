import { type metapb, raft_cmdpb, type schedulerpb } from '@flotilla/protocol';
import type { Logger, Runtime } from '@flotilla/runtime';
import type { SchedulerClient } from '@flotilla/scheduler-client';
import { adminCommand } from '../admin-command.ts';
import { failed, serverIsBusy } from '../region-error.ts';
import type { Reply } from '../reply.ts';

/** A region whose leader wants it split. */
export interface SplitAsk {
  readonly region: metapb.Region;
  /** The region's leader. */
  readonly peer: metapb.Peer;
  /** In order, at least one. */
  readonly splitKeys: readonly Uint8Array[];
  /** Answered with the outcome of the split, or with why it could not begin. */
  readonly reply: Reply;
}

/** What asking for splits needs. */
export interface SplitAskerOptions {
  readonly client: SchedulerClient;
  readonly runtime: Runtime;
  readonly logger: Logger;
  /** Gives the command to the peer that asked; answers it where that is not possible. */
  readonly onSplit: (request: raft_cmdpb.RaftCmdRequest, reply: Reply) => void;
}

/** An answer that takes longer than this has failed. */
const askTimeoutMs = 5000;
/** Asks under way; a leader whose ask is refused finds its region too large again at the next check. */
const maxAsks = 64;

/** Asks the scheduler for the ids that splits need, and tells it of splits that are done. */
export class SplitAsker {
  readonly #options: SplitAskerOptions;
  readonly #underWay = new Set<AbortController>();
  #isClosed = false;

  constructor(options: SplitAskerOptions) {
    this.#options = options;
  }

  /** Gets ids and hands over the command. Whatever goes wrong, the ask is answered. */
  async ask(ask: SplitAsk): Promise<void> {
    if (this.#isClosed || this.#underWay.size >= maxAsks) {
      ask.reply(failed(serverIsBusy(this.#isClosed ? 'the store is closing' : 'too many regions ask to be split')));
      return;
    }
    const { client, logger, onSplit } = this.#options;
    const count = ask.splitKeys.length;
    let request: raft_cmdpb.RaftCmdRequest | undefined;
    try {
      request = splitCommand(ask, await this.#call((signal) => client.askSplit(ask.region, count, signal)));
    } catch (error) {
      logger.warn('the scheduler gave no ids for a split', { regionId: ask.region.id, error });
      ask.reply(failed(serverIsBusy('the scheduler gave no ids for the split')));
      return;
    }
    if (request === undefined) ask.reply(failed(serverIsBusy('the scheduler gave ids for another number of regions')));
    else onSplit(request, ask.reply);
  }

  /** Tells of a split; should it be lost, the heartbeats of the parts tell the same. */
  async report(regions: readonly metapb.Region[]): Promise<void> {
    const { client, logger } = this.#options;
    try {
      await this.#call((signal) => client.reportSplit(regions, signal));
    } catch (error) {
      if (!this.#isClosed) logger.warn('a split could not be reported', { regionId: regions[0]?.id, error });
    }
  }

  close(): void {
    this.#isClosed = true;
    for (const controller of this.#underWay) controller.abort();
  }

  async #call<Answer>(call: (signal: AbortSignal) => Promise<Answer>): Promise<Answer> {
    const controller = new AbortController();
    this.#underWay.add(controller);
    const timer = this.#options.runtime.timers.after(askTimeoutMs, () => controller.abort());
    try {
      return await Promise.race([call(controller.signal), aborted(controller.signal)]);
    } finally {
      timer.cancel();
      this.#underWay.delete(controller);
    }
  }
}

/** Rejects when the signal aborts: whoever asked is answered in time, whatever becomes of the call. */
function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
}

/**
 * The command that splits a region with the ids that the scheduler gave, bound to the epoch that it gave them for;
 * `undefined` when they are not what was asked for.
 */
export function splitCommand(
  ask: Omit<SplitAsk, 'reply'>,
  answer: schedulerpb.AskSplitResponse,
): raft_cmdpb.RaftCmdRequest | undefined {
  const { region, peer, splitKeys } = ask;
  const ids = answer.ids.length > 0 ? answer.ids : [answer];
  if (ids.length !== splitKeys.length) return undefined;
  const requests = splitKeys.map((splitKey, position) => {
    const { newRegionId = 0, newPeerIds = [] } = ids[position] ?? {};
    return raft_cmdpb.SplitRequest.create({ splitKey, newRegionId, newPeerIds });
  });
  const { BatchSplit: cmdType } = raft_cmdpb.AdminCmdType;
  const target = { regionId: region.id, regionEpoch: region.regionEpoch, peer };
  return adminCommand(target, { cmdType, batchSplit: { requests } });
}
