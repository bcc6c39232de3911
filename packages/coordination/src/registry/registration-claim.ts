import type { RecordStore, RecordTarget, StoredRecord } from './record-store.ts';
import { RegisteredElsewhereError } from './registry-error.ts';
import { HealthStatus, type ServiceInfo } from './service-info.ts';

/** An attempt to own the record of an instance. */
export interface Claim {
  readonly target: RecordTarget;
  /** What to write. */
  readonly info: ServiceInfo;
  /** What the record is to hang on. */
  readonly leaseId: bigint;
  /** Whether a lease is, or was, this registration's own. */
  readonly isOwn: (leaseId: bigint) => boolean;
  /** What to do about the record of another process: replace it, refuse with an error, or give way to it. */
  readonly onForeign: 'takeOver' | 'refuse' | 'giveWay';
}

/** How an attempt ended. */
export type ClaimResult =
  /** `revision` is one at which the record stood; `isWritten` tells whether it had to be written for that. */
  | { readonly type: 'claimed'; readonly info: ServiceInfo; readonly revision: bigint; readonly isWritten: boolean }
  | { readonly type: 'superseded' }
  | { readonly type: 'deregistered' };

/** The most attempts while others write too. */
const maxAttempts = 64;

/**
 * Makes the record of an instance hang on one's own lease. The lease tells whose a record is: a process that comes back after
 * a loss finds its own old record, none, or that of another process.
 *
 * What an operator has set outlives the change of hands: a record in maintenance stays so.
 *
 * @throws {RegisteredElsewhereError} with code `conflict` when it is another's and `onForeign` is `refuse`.
 * @throws {BackendError}
 */
export async function claimRecord(store: RecordStore, claim: Claim): Promise<ClaimResult> {
  const { target, leaseId, isOwn, onForeign } = claim;
  for (let attempt = 0; attempt < maxAttempts; attempt += 1) {
    const { stored, revision: readRevision } = await store.read(target);
    const record = stored?.record;
    if (stored !== undefined && isOwn(stored.leaseId)) {
      if (record?.isLeaving === true) return { type: 'deregistered' };
      if (stored.leaseId === leaseId && record !== undefined) {
        return { type: 'claimed', info: record.info, revision: readRevision, isWritten: false };
      }
    } else if (isForeign(stored)) {
      if (onForeign === 'giveWay') return { type: 'superseded' };
      if (onForeign === 'refuse') {
        throw new RegisteredElsewhereError(target.name, target.instanceId, record?.info.address);
      }
    }
    const info = infoToWrite(claim, stored);
    const revision = await store.claim(target, stored, { info, isLeaving: false }, leaseId);
    if (revision !== undefined) return { type: 'claimed', info, revision, isWritten: true };
  }
  throw new RegisteredElsewhereError(target.name, target.instanceId, undefined);
}

/** A record without a lease is nobody's: it would stay for ever. One that leaves is about to go. */
function isForeign(stored: StoredRecord | undefined): boolean {
  return stored !== undefined && stored.leaseId !== 0n && stored.record?.isLeaving !== true;
}

function infoToWrite({ info, isOwn }: Claim, stored: StoredRecord | undefined): ServiceInfo {
  const before = stored?.record?.info;
  if (stored === undefined || before === undefined) return info;
  if (isOwn(stored.leaseId)) return { ...before, lastHeartbeat: info.lastHeartbeat };
  return before.health === HealthStatus.Maintenance ? { ...info, health: HealthStatus.Maintenance } : info;
}
