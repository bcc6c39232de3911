import { wholeNumberViolations } from '@flotilla/runtime';

/** How locks are kept. Times are in milliseconds. */
export interface DistributedLockConfig {
  /** What all keys of locks begin with, followed by `/`. */
  readonly keyPrefix: string;
  /** How long a lock outlasts its holder's process, unless the call says otherwise. */
  readonly defaultTtlMs: number;
  /** From one renewal to the next, where the ttl is at least twice as long; a third of the ttl otherwise. */
  readonly renewIntervalMs: number;
  /** Whether an owner may acquire its lock again. */
  readonly enableReentrant: boolean;
}

/** One line for each violation; each begins with the field's name. */
export function distributedLockViolations(config: DistributedLockConfig): string[] {
  const { keyPrefix, enableReentrant, ...numbers } = config;
  const violations = wholeNumberViolations(numbers);
  if (typeof keyPrefix !== 'string' || keyPrefix === '' || keyPrefix.endsWith('/')) {
    violations.push("keyPrefix: must be a text that does not end in '/'");
  }
  if (typeof enableReentrant !== 'boolean') violations.push('enableReentrant: must be true or false');
  if (numbers.renewIntervalMs * 2 > numbers.defaultTtlMs) {
    violations.push('renewIntervalMs: must be at most half of defaultTtlMs, so that one renewal may fail');
  }
  return violations;
}
