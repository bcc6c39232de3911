import { ConflictError } from '../coordination-error.ts';

/** A lock, a permit or a leadership is no longer held, so that what relied on it was not done. */
export class NotHeldError extends ConflictError {
  constructor(what: string, options?: ErrorOptions) {
    super(`${what} is not held any more`, options);
  }
}
