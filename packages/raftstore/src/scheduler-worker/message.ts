import type { schedulerpb } from '@flotilla/protocol';

/** What a store tells its scheduler. */
export type SchedulerMessage =
  | { readonly type: 'regionHeartbeat'; readonly request: schedulerpb.RegionHeartbeatRequest }
  | { readonly type: 'storeHeartbeat'; readonly stats: schedulerpb.StoreStats };
