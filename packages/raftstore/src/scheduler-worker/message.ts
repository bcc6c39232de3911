import type { metapb, schedulerpb } from '@flotilla/protocol';
import type { MemberAsk } from './member-check.ts';
import type { SplitAsk } from './split-asker.ts';

/** What a store tells its scheduler. */
export type SchedulerMessage =
  | { readonly type: 'regionHeartbeat'; readonly request: schedulerpb.RegionHeartbeatRequest }
  | { readonly type: 'storeHeartbeat'; readonly stats: schedulerpb.StoreStats }
  /** A peer without a leader wants to know whether it is still a member. */
  | { readonly type: 'askMembership'; readonly ask: MemberAsk }
  /** A leader wants ids for new regions. */
  | { readonly type: 'askSplit'; readonly ask: SplitAsk }
  /** The parts of a region that was split, in key order. */
  | { readonly type: 'reportSplit'; readonly regions: readonly metapb.Region[] };
