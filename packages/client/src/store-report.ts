import { flotillapb, type metapb } from '@flotilla/protocol';
import type { Runtime } from '@flotilla/runtime';
import type { SchedulerClient } from '@flotilla/scheduler-client';
import { CallDeadline, type CallOptions } from './call-deadline.ts';
import { UnavailableError } from './client-error.ts';
import type { RawClientConfig } from './config.ts';
import type { StoreChannels } from './store-channels.ts';

/** What a store says of itself, or why it could not be asked. */
export type StoreReport =
  | { readonly type: 'answered'; readonly store: metapb.Store; readonly status: flotillapb.StoreStatusResponse }
  | { readonly type: 'silent'; readonly store: metapb.Store; readonly reason: string };

/** What asking needs. */
export interface StoreReportOptions {
  readonly schedulerClient: SchedulerClient;
  readonly channels: StoreChannels;
  readonly config: RawClientConfig;
  readonly runtime: Runtime;
}

/**
 * Asks every store that the scheduler knows, all at once, each for at most `attemptTimeoutMs`.
 *
 * @throws {ClientError} with code `unavailable`, `cancelled` or `deadlineExceeded` when the scheduler cannot be asked.
 */
export async function fetchStoreReports(
  { schedulerClient, channels, config, runtime }: StoreReportOptions,
  options: CallOptions,
): Promise<readonly StoreReport[]> {
  const deadline = new CallDeadline(runtime, options.timeoutMs ?? config.requestTimeoutMs, options.signal);
  const { signal } = deadline;
  try {
    const stores = await schedulerClient.getAllStores(signal);
    return await Promise.all(
      stores.map(async (store): Promise<StoreReport> => {
        const method = flotillapb.Admin.storeStatus;
        const outcome = await channels.attempt(store.id, method, {}, signal, config.attemptTimeoutMs);
        if (outcome.type === 'answered') return { type: 'answered', store, status: outcome.response };
        const { cause } = outcome;
        return { type: 'silent', store, reason: cause instanceof Error ? cause.message : String(cause) };
      }),
    );
  } catch (cause) {
    throw deadline.ended ?? new UnavailableError('the scheduler did not tell the stores', { cause });
  } finally {
    deadline.dispose();
  }
}
