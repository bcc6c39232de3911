/** A broken invariant: the program's own state is wrong, so it must stop rather than corrupt data. */
export class InvariantError extends Error {
  /** Stable code of every broken invariant. */
  readonly code = 'invariantViolated';
  /** The values that show the violation; never keys or values of users. */
  readonly details: Readonly<Record<string, unknown>>;

  constructor(message: string, details: Readonly<Record<string, unknown>> = {}) {
    super(Object.keys(details).length === 0 ? message : `${message} ${JSON.stringify(details, replaceBigInt)}`);
    this.name = 'InvariantError';
    this.details = details;
  }
}

function replaceBigInt(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? value.toString() : value;
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
 * Ends a `switch` over a discriminated union: compiles only when every member has been handled.
 *
 * @throws {InvariantError} when reached at run time.
 */
export function unreachable(value: never, what: string): never {
  throw new InvariantError(`unexpected ${what}`, { value: value as unknown });
}
