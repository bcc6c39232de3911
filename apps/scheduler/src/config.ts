import {
  dialAddress,
  isWildcard,
  listenAddress,
  logFormat,
  logLevel,
  OptionsConfigError,
  schemaViolations,
  wholeNumber,
} from '@flotilla/program';
import { z } from 'zod';

/** What each option may be. Its keys are the options' names in configuration files. */
const schema = z.strictObject({
  dataDir: z.string({ error: 'expected a path' }).min(1, { error: 'expected a path' }),
  listen: listenAddress,
  advertise: dialAddress.optional(),
  http: listenAddress,
  maxPeerCount: wholeNumber(1, 15),
  maxStoreDownMs: wholeNumber(1000, 86_400_000),
  logLevel,
  logFormat,
  shutdownTimeoutMs: wholeNumber(1, 600_000),
});

/**
 * How a scheduler runs. Addresses are host:port; times are in milliseconds.
 *
 * - `dataDir`: everything the scheduler keeps. One scheduler at a time.
 * - `listen`, `http`: gRPC for stores and clients; health and metrics.
 * - `advertise`: where stores and clients reach `listen`, if elsewhere; the scheduler tells it to whoever asks for members.
 * - `maxPeerCount`: replicas of each region in a cluster that begins with this scheduler.
 * - `maxStoreDownMs`: how long a store may be silent before its replicas are replaced, if their leaders miss them too.
 * - `shutdownTimeoutMs`: how long a shutdown waits for calls under way.
 */
export type SchedulerAppConfig = Readonly<z.infer<typeof schema>>;

/** A scheduler reachable from this machine only. */
export const defaultSchedulerAppConfig: SchedulerAppConfig = Object.freeze({
  dataDir: './data/scheduler',
  listen: '127.0.0.1:7400',
  http: '127.0.0.1:7401',
  maxPeerCount: 3,
  maxStoreDownMs: 1_800_000,
  logLevel: 'info',
  logFormat: 'auto',
  shutdownTimeoutMs: 5000,
});

/** Ports that the system chooses. The data directory must be given. */
export const testSchedulerAppConfig: SchedulerAppConfig = Object.freeze({
  ...defaultSchedulerAppConfig,
  listen: '127.0.0.1:0',
  http: '127.0.0.1:0',
  logFormat: 'json',
});

/** A scheduler's configuration that cannot be used, with everything that is wrong with it. */
export class SchedulerAppConfigError extends OptionsConfigError {
  override readonly name = 'SchedulerAppConfigError';
}

/**
 * Completes a configuration with the defaults and freezes it.
 *
 * @throws {SchedulerAppConfigError} with every violation at once.
 */
export function resolveSchedulerAppConfig(partial: Readonly<Record<string, unknown>> = {}): SchedulerAppConfig {
  const given: Readonly<Record<string, unknown>> = { ...defaultSchedulerAppConfig, ...partial };
  const parsed = schema.safeParse(given);
  const violations = schemaViolations(parsed.error, given);
  if (given['listen'] === given['http'] && !String(given['http']).endsWith(':0')) {
    violations.push({ option: 'http', value: given['http'], reason: 'is the same address as listen' });
  }
  if (given['advertise'] === undefined && isWildcard(String(given['listen']))) {
    const reason = `is needed when listen is ${given['listen']}: nobody can dial that`;
    violations.push({ option: 'advertise', reason });
  }
  if (!parsed.success || violations.length > 0) throw new SchedulerAppConfigError(violations);
  return Object.freeze(parsed.data);
}
