import { status } from '@grpc/grpc-js';
import type { AttemptOutcome } from './store-channels.ts';

/** Statuses with which a store refuses a request before it acts on it. */
const refusals: ReadonlySet<status> = new Set([
  status.INVALID_ARGUMENT,
  status.UNIMPLEMENTED,
  status.UNAUTHENTICATED,
  status.PERMISSION_DENIED,
]);

/**
 * Whether grpc-js says that a server did not begin with a request: no connection was left to send it on, or the server refused
 * the stream, which HTTP/2 allows only before anything was processed. The library tells these by their texts alone; with
 * other texts they would count as `broken`, which is safe.
 *
 * Source: RFC 9113, section 8.7.
 */
function wasNeverProcessed(error: { readonly code: status; readonly details: string }): boolean {
  if (error.code === status.INTERNAL) return error.details.startsWith('Failed to start HTTP/2 stream');
  if (error.code !== status.UNAVAILABLE) return false;
  return error.details === 'Stream refused by server' || error.details.startsWith('No connection established');
}

/** What a call's failure means for its request. */
export function failedOutcome(
  error: (Error & { readonly code: status; readonly details: string }) | null,
): AttemptOutcome<never> {
  // A store of another cluster, at an address that was ours: the next attempt asks where ours is now.
  if (error?.code === status.FAILED_PRECONDITION) return { type: 'notSent', cause: error };
  if (error !== null && wasNeverProcessed(error)) return { type: 'notSent', cause: error };
  if (error !== null && refusals.has(error.code)) {
    return { type: 'refused', isInvalid: error.code === status.INVALID_ARGUMENT, cause: error };
  }
  return { type: 'broken', cause: error ?? new Error('the store answered with nothing') };
}
