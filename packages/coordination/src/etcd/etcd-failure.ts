import { type ServiceError, status } from '@grpc/grpc-js';
import { BackendError, type BackendErrorCode } from '../backend/backend-error.ts';

/** What a failed call to a server means for it. */
export type EtcdFailure =
  /** The server's answer, which another try would not change; nothing was done. */
  | { readonly type: 'refused'; readonly error: BackendError }
  /** The server did not take the call, so that it may be sent again, by preference elsewhere. */
  | { readonly type: 'notTaken'; readonly error: BackendError }
  /** The server wants a new token first; nothing was done. */
  | { readonly type: 'token'; readonly error: BackendError }
  /** The call may have been carried out, or may yet be. */
  | { readonly type: 'ambiguous'; readonly error: BackendError };

type Verdict = readonly [EtcdFailure['type'], BackendErrorCode];

/** By what the text contains; etcd's texts are part of its API. Source: etcd 3.4, `etcdserver/api/v3rpc/rpctypes/error.go`. */
const verdictByText: readonly (readonly [string, Verdict])[] = [
  ['etcdserver: mvcc: required revision has been compacted', ['refused', 'compacted']],
  ['etcdserver: mvcc: required revision is a future revision', ['refused', 'futureRevision']],
  ['etcdserver: mvcc: database space exceeded', ['refused', 'noSpace']],
  ['etcdserver: requested lease not found', ['refused', 'leaseNotFound']],
  ['etcdserver: lease already exists', ['refused', 'leaseExists']],
  ['etcdserver: key not found', ['refused', 'keyNotFound']],
  ['etcdserver: permission denied', ['refused', 'permissionDenied']],
  ['etcdserver: authentication failed', ['refused', 'unauthenticated']],
  ['etcdserver: user name not found', ['refused', 'unauthenticated']],
  ['etcdserver: invalid auth token', ['token', 'unauthenticated']],
  ['etcdserver: revision of auth store is old', ['token', 'unauthenticated']],
  ['etcdserver: user name is empty', ['token', 'unauthenticated']],
  ['etcdserver: no leader', ['notTaken', 'unavailable']],
  ['etcdserver: not leader', ['notTaken', 'unavailable']],
  ['etcdserver: not capable', ['notTaken', 'unavailable']],
  ['etcdserver: rpc not supported for learner', ['notTaken', 'unavailable']],
  ['etcdserver: too many requests', ['notTaken', 'unavailable']],
  ['message larger than max', ['refused', 'invalidArgument']],
  // The channel's own, before anything is sent.
  ['No connection established', ['notTaken', 'unavailable']],
];

const verdictByStatus: ReadonlyMap<number, Verdict> = new Map<number, Verdict>([
  [status.INVALID_ARGUMENT, ['refused', 'invalidArgument']],
  [status.OUT_OF_RANGE, ['refused', 'invalidArgument']],
  [status.FAILED_PRECONDITION, ['refused', 'invalidArgument']],
  [status.NOT_FOUND, ['refused', 'invalidArgument']],
  [status.ALREADY_EXISTS, ['refused', 'invalidArgument']],
  [status.PERMISSION_DENIED, ['refused', 'permissionDenied']],
  [status.UNAUTHENTICATED, ['token', 'unauthenticated']],
  [status.UNIMPLEMENTED, ['refused', 'unavailable']],
]);

/** Says what became of a call by the error that gRPC reports for it. */
export function etcdFailure(error: unknown): EtcdFailure {
  const { code, details } = serviceErrorOf(error);
  const known = verdictByText.find(([text]) => details.includes(text))?.[1] ?? verdictByStatus.get(code);
  const [type, backendCode] = known ?? (['ambiguous', 'unavailable'] as const);
  return { type, error: new BackendError(backendCode, `etcd: ${details}`, { cause: error }) };
}

/** What the reason of a watch that the server has ended means. */
export function watchRefusal(reason: string): EtcdFailure {
  return etcdFailure({
    code: reason.includes('mvcc: watcher') ? status.INVALID_ARGUMENT : status.UNAVAILABLE,
    details: reason,
  });
}

function serviceErrorOf(error: unknown): { readonly code: number; readonly details: string } {
  const { code, details, message } = error as Partial<ServiceError>;
  return { code: typeof code === 'number' ? code : status.UNKNOWN, details: details ?? message ?? String(error) };
}
