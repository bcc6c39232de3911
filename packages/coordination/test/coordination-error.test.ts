import { expect, test } from 'vitest';
import {
  BackendError,
  type BackendErrorCode,
  CancelledError,
  ClosedError,
  ConflictError,
  ConnectionError,
  CoordinationError,
  type CoordinationErrorCode,
  coordinationErrorOf,
  OutcomeUnknownError,
  TimeoutError,
  ValidationError,
  withCoordinationErrors,
} from '../src/index.ts';

/** Every code of a backend, with the code that callers see; a code left out does not compile. */
const codes: Record<BackendErrorCode, CoordinationErrorCode> = {
  invalidArgument: 'validation',
  futureRevision: 'validation',
  keyNotFound: 'conflict',
  leaseNotFound: 'conflict',
  leaseExists: 'conflict',
  compacted: 'conflict',
  unauthenticated: 'connection',
  permissionDenied: 'connection',
  noSpace: 'connection',
  unavailable: 'connection',
  timeout: 'timeout',
  outcomeUnknown: 'outcomeUnknown',
  cancelled: 'cancelled',
  closed: 'closed',
};

const classes = {
  connection: ConnectionError,
  validation: ValidationError,
  conflict: ConflictError,
  timeout: TimeoutError,
  outcomeUnknown: OutcomeUnknownError,
  cancelled: CancelledError,
  closed: ClosedError,
} satisfies Record<CoordinationErrorCode, unknown>;

test.each(Object.entries(codes))('a backend error %s is %s to callers, with its cause', (from, to) => {
  const cause = new BackendError(from as BackendErrorCode, 'the reason');
  const error = coordinationErrorOf(cause, 'reading a value');
  expect(error).toBeInstanceOf(CoordinationError);
  expect(error).toBeInstanceOf(classes[to]);
  expect(error).toMatchObject({ code: to, name: classes[to].name, message: 'reading a value: the reason' });
  expect(error.cause).toBe(cause);
});

test('what a call answers comes through', async () => {
  await expect(withCoordinationErrors('reading', async () => 7)).resolves.toBe(7);
});

test('errors of backends are mapped, also those thrown at once', async () => {
  const thrown = (): Promise<never> => {
    throw new BackendError('closed', 'no more');
  };
  await expect(withCoordinationErrors('reading', thrown)).rejects.toBeInstanceOf(ClosedError);
});

test('errors that are no backend’s are left as they are', async () => {
  const bug = new TypeError('a bug');
  const error = new ConflictError('held');
  await expect(withCoordinationErrors('reading', () => Promise.reject(bug))).rejects.toBe(bug);
  await expect(withCoordinationErrors('reading', () => Promise.reject(error))).rejects.toBe(error);
});
