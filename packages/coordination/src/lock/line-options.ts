import type { Runtime } from '@flotilla/runtime';
import type { CoordinationBackend } from '../backend/coordination-backend.ts';
import { ValidationError } from '../coordination-error.ts';

/** What locks, elections, semaphores and barriers need. */
export interface LineOptions {
  readonly backend: CoordinationBackend;
  readonly runtime: Runtime;
  /** What all keys begin with, followed by `/`; `/locks`, `/elections` and so on unless given. Empty for none. */
  readonly keyPrefix?: string | undefined;
  /** How long a hold lasts when its process is gone, unless the call says otherwise; 30 s unless given. */
  readonly defaultTtlMs?: number | undefined;
  /** From one renewal to the next, where the ttl is at least twice as long; a third of the ttl unless given. */
  readonly renewIntervalMs?: number | undefined;
}

/** The ttl of a hold for which none is given. */
export const defaultTtlMs = 30_000;

/** The name under which keys are stored: the prefix, a slash, and what the user calls it. @throws {ValidationError} for no name. */
export function lineName(keyPrefix: string, name: string): string {
  if (name === '' || name.endsWith('/')) {
    throw new ValidationError(`a name must not be empty or end with a slash; it is ${JSON.stringify(name)}`);
  }
  const prefix = keyPrefix.replace(/\/+$/, '');
  return keyPrefix === '' ? name : `${prefix}/${name.replace(/^\/+/, '')}`;
}
