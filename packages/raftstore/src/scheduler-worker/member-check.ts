import { type Runtime, unreachable } from '@flotilla/runtime';
import { epochOf, type RegionWithLeader, type SchedulerClient } from '@flotilla/scheduler-client';

/** A peer that has been without a leader for long and wants to know whether it is still a member. */
export interface MemberAsk {
  readonly regionId: number;
  readonly peerId: number;
  /** The latest conf_ver of the region in which the peer knows itself to be a member. */
  readonly confVer: number;
}

/** What asking needs. */
export interface MemberCheckOptions {
  readonly client: SchedulerClient;
  readonly runtime: Runtime;
  /** Hears of a peer that is a member no more as of `confVer`. */
  readonly onNoMember: (ask: MemberAsk, confVer: number) => void;
}

/** An answer that takes longer than this has failed; the peer asks again by itself. */
const askTimeoutMs = 5000;
/** Asks under way: thousands of regions may lose their leaders together, and none of them is in a hurry. */
const maxAsks = 16;

/** Asks the scheduler whether peers that nobody leads are still members of their regions. */
export class MemberCheck {
  readonly #options: MemberCheckOptions;
  readonly #underWay = new Set<AbortController>();
  #isClosed = false;

  constructor(options: MemberCheckOptions) {
    this.#options = options;
  }

  /** Asks, unless many are asking; nothing that goes wrong here matters, but that it is asked again later. */
  async ask(ask: MemberAsk): Promise<void> {
    if (this.#isClosed || this.#underWay.size >= maxAsks) return;
    const { client, onNoMember, runtime } = this.#options;
    const controller = new AbortController();
    this.#underWay.add(controller);
    const timer = runtime.timers.after(askTimeoutMs, () => controller.abort());
    try {
      const found = await client.getRegionById(ask.regionId, controller.signal);
      const verdict = judgeMember(ask, found);
      switch (verdict.type) {
        case 'noMember':
          if (!this.#isClosed) onNoMember(ask, verdict.confVer);
          return;
        case 'member':
        case 'unknown':
          return;
        default:
          unreachable(verdict, 'verdict');
      }
    } catch {
      // A scheduler that cannot be reached knows no better than the peer.
    } finally {
      timer.cancel();
      this.#underWay.delete(controller);
    }
  }

  close(): void {
    this.#isClosed = true;
    for (const controller of this.#underWay) controller.abort();
  }
}

/** What the scheduler's picture of a region says of a peer. */
export type MemberVerdict =
  | { readonly type: 'member' }
  | { readonly type: 'noMember'; readonly confVer: number }
  /** The scheduler has not heard of the region, or not of changes that the peer knows. */
  | { readonly type: 'unknown' };

/** Judges by the scheduler's picture: only one that is later than the peer's own can tell that it is a member no more. */
export function judgeMember(ask: MemberAsk, found: RegionWithLeader | undefined): MemberVerdict {
  if (found === undefined) return { type: 'unknown' };
  if (found.region.peers.some(({ id }) => id === ask.peerId)) return { type: 'member' };
  const { confVer } = epochOf(found.region);
  return confVer > ask.confVer ? { type: 'noMember', confVer } : { type: 'unknown' };
}
