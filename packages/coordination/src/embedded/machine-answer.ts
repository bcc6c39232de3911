import { coordinationpb, WireError } from '@flotilla/protocol';
import { BackendError, type BackendErrorCode } from '../backend/backend-error.ts';

const { ErrorCode } = coordinationpb;

/** What callers are told for each refusal of the machine; those of a replica that cannot answer yet are `unavailable`. */
const codes: ReadonlyMap<coordinationpb.ErrorCode, BackendErrorCode> = new Map([
  [ErrorCode.KeyNotFound, 'keyNotFound'],
  [ErrorCode.LeaseNotFound, 'leaseNotFound'],
  [ErrorCode.LeaseExists, 'leaseExists'],
  [ErrorCode.Compacted, 'compacted'],
  [ErrorCode.FutureRevision, 'futureRevision'],
  [ErrorCode.NotLeader, 'unavailable'],
  [ErrorCode.LeaseExpiring, 'unavailable'],
]);

/**
 * The answer within the bytes, which is no refusal.
 *
 * @throws {BackendError} for a refusal, and `unavailable` for what cannot be read.
 */
export function readAnswer(bytes: Uint8Array): coordinationpb.Answer {
  let answer: coordinationpb.Answer;
  try {
    answer = coordinationpb.Answer.decode(bytes);
  } catch (cause) {
    if (cause instanceof WireError) throw new BackendError('unavailable', 'the answer cannot be read', { cause });
    throw cause;
  }
  if (answer.error === undefined) return answer;
  const { code, message, revision } = answer.error;
  throw new BackendError(codes.get(code) ?? 'invalidArgument', message, revision > 0n ? { revision } : {});
}
