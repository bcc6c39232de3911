import { flotillapb } from '@flotilla/protocol';
import type { Runtime } from '@flotilla/runtime';
import { CallDeadline, type CallOptions } from './call-deadline.ts';
import type { RawClientConfig } from './config.ts';
import type { StoreChannels } from './store-channels.ts';

/** What a store has of a region's hash, or why it could not be asked. */
export type RegionHashReport =
  | { readonly type: 'answered'; readonly response: flotillapb.RegionHashResponse }
  | { readonly type: 'silent'; readonly reason: string };

/** What asking needs. */
export interface RegionHashOptions {
  readonly channels: StoreChannels;
  readonly config: RawClientConfig;
  readonly runtime: Runtime;
}

/**
 * Asks one store for the hash of its replica of a region; `compute` has every replica compute it anew, which its leader alone
 * can begin.
 *
 * @throws {ClientError} with code `cancelled` or `deadlineExceeded`.
 */
export async function fetchRegionHash(
  { channels, config, runtime }: RegionHashOptions,
  storeId: number,
  request: flotillapb.RegionHashRequest,
  options: CallOptions,
): Promise<RegionHashReport> {
  const deadline = new CallDeadline(runtime, options.timeoutMs ?? config.requestTimeoutMs, options.signal);
  try {
    const method = flotillapb.Admin.regionHash;
    const outcome = await channels.attempt(storeId, method, request, deadline.signal, config.attemptTimeoutMs);
    if (outcome.type === 'answered') return { type: 'answered', response: outcome.response };
    if (deadline.ended !== undefined) throw deadline.ended;
    const { cause } = outcome;
    return { type: 'silent', reason: cause instanceof Error ? cause.message : String(cause) };
  } finally {
    deadline.dispose();
  }
}
