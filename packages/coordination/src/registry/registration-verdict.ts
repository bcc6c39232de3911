import type { WatchUpdate } from '../backend/watch.ts';
import type { RegistrationEnd } from './registration.ts';
import type { ServiceInfo } from './service-info.ts';
import { decodeRecord } from './service-record.ts';

/** Why a registration does not stand any more. */
export type Verdict =
  | { readonly type: 'ended'; readonly reason: RegistrationEnd }
  | { readonly type: 'lost'; readonly cause: unknown }
  /** Nothing is known to have happened, but changes may have been missed. */
  | { readonly type: 'unsure' };

/** What an update of the watch of one's own key means. */
export interface Judgement {
  /** Unset while the registration stands. */
  readonly verdict?: Verdict;
  /** The revision of the last change. */
  readonly revision?: bigint;
  /** The record after it, if that is still one's own. */
  readonly info?: ServiceInfo;
}

/** Judges the changes of the record `info` that hangs on a lease. */
export function judgeUpdate(update: WatchUpdate, info: ServiceInfo, leaseId: bigint): Judgement {
  switch (update.type) {
    case 'progress':
      return {};
    case 'compacted':
      return { verdict: { type: 'unsure' } };
    case 'events':
      return update.events.map((event) => judgeEvent(event, info, leaseId)).reduce(later, {});
    default:
      return update satisfies never;
  }
}

/** What holds after both; an end is final, and a loss is undone by nothing but registering again. */
function later(before: Judgement, after: Judgement): Judgement {
  return before.verdict?.type === 'ended' ? before : after;
}

function judgeEvent(
  { type, kv }: (WatchUpdate & { readonly type: 'events' })['events'][number],
  { name, instanceId }: ServiceInfo,
  leaseId: bigint,
): Judgement {
  const revision = kv.modRevision;
  if (type === 'delete') {
    return { revision, verdict: { type: 'lost', cause: new Error('the record was deleted') } };
  }
  if (kv.leaseId === 0n) {
    return { revision, verdict: { type: 'lost', cause: new Error('the record was taken off its lease') } };
  }
  if (kv.leaseId !== leaseId) return { revision, verdict: { type: 'ended', reason: 'superseded' } };
  const record = decodeRecord(name, instanceId, kv.value);
  if (record?.isLeaving === true) return { revision, verdict: { type: 'ended', reason: 'deregistered' } };
  return record === undefined ? { revision } : { revision, info: record.info };
}
