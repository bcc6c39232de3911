import { BackendError } from '../backend/backend-error.ts';
import { ClosedError, ConflictError, coordinationErrorOf } from '../coordination-error.ts';

/** No such instance is registered; nothing has changed. */
export class NotRegisteredError extends ConflictError {
  readonly service: string;
  readonly instanceId: string;

  constructor(service: string, instanceId: string) {
    super(`instance ${JSON.stringify(instanceId)} of service ${JSON.stringify(service)} is not registered`);
    this.service = service;
    this.instanceId = instanceId;
  }
}

/** The instance is registered by another process, which was not to be replaced, or has replaced this one. */
export class RegisteredElsewhereError extends ConflictError {
  readonly service: string;
  readonly instanceId: string;
  /** Where the other process listens. */
  readonly address: string | undefined;

  constructor(service: string, instanceId: string, address: string | undefined) {
    const where = address === undefined ? 'elsewhere' : `at ${address}`;
    super(`instance ${JSON.stringify(instanceId)} of service ${JSON.stringify(service)} is registered ${where}`);
    this.service = service;
    this.instanceId = instanceId;
    this.address = address;
  }
}

/** Whether trying again cannot help until somebody changes something: a refused password, a closed backend. */
export function isLasting(error: unknown): boolean {
  if (!(error instanceof BackendError)) return false;
  return ['unauthenticated', 'permissionDenied', 'invalidArgument', 'closed'].includes(error.code);
}

/** Whether the backend was closed, by a backend's own error or by one for callers. */
export function isClosed(error: unknown): boolean {
  return error instanceof ClosedError || (error instanceof BackendError && error.code === 'closed');
}

/** What a caller is told of a failure: a `CoordinationError` for a backend's, and any other as it is. */
export function callerError(error: unknown, action: string): unknown {
  return error instanceof BackendError ? coordinationErrorOf(error, action) : error;
}
