import { inspect } from 'node:util';

/** A broken invariant: the program's own state is wrong, so it must stop rather than corrupt data. */
export class InvariantError extends Error {
  /** Stable code of every broken invariant. */
  readonly code = 'invariantViolated';
  /** The values that show the violation; never keys or values of users. */
  readonly details: Readonly<Record<string, unknown>>;

  constructor(message: string, details: Readonly<Record<string, unknown>> = {}) {
    super(Object.keys(details).length === 0 ? message : `${message} ${inspect(details, { breakLength: Infinity })}`);
    this.name = 'InvariantError';
    this.details = details;
  }
}

/**
 * Stops the program when an invariant does not hold.
 *
 * @throws {InvariantError} when `condition` is false.
 */
export function assert(
  condition: boolean,
  message: string,
  details?: Readonly<Record<string, unknown>>,
): asserts condition {
  if (!condition) throw new InvariantError(message, details);
}

/**
 * Ends a `switch` over a discriminated union: compiles only when every member has been handled. The error shows the
 * discriminant alone, because the rest of a message may hold keys and values of users.
 *
 * @throws {InvariantError} when reached at run time.
 */
export function unreachable(value: never, what: string): never {
  const reached: unknown = value;
  const shown = typeof reached === 'object' && reached !== null && 'type' in reached ? reached.type : reached;
  throw new InvariantError(`unexpected ${what}`, { value: typeof shown === 'object' ? typeof shown : shown });
}
