import { z } from 'zod';

/** `host:port`, a port from 0 to 65535; an IPv6 host in brackets. */
const address = z.string().refine(isAddress, { error: 'expected host:port with a port from 0 to 65535' });
const dialAddress = z
  .string()
  .refine((text) => isAddress(text) && !/:0+$/.test(text), { error: 'expected host:port with a port from 1 to 65535' });
const whole = (minimum: number, maximum: number) =>
  z
    .number({ error: 'expected a number' })
    .refine((value) => Number.isInteger(value) && value >= minimum && value <= maximum, {
      error: `expected a whole number from ${minimum} to ${maximum}`,
    });
const oneOf = <const Choice extends string>(choices: readonly Choice[]) =>
  z.enum(choices, { error: `expected one of ${choices.join(', ')}` });

/** What each option may be. Its keys are the options' names in configuration files. */
const schema = z.strictObject({
  dataDir: z.string({ error: 'expected a path' }).min(1, { error: 'expected a path' }),
  listen: address,
  advertise: dialAddress.optional(),
  http: address,
  maxPeerCount: whole(1, 15),
  logLevel: oneOf(['trace', 'debug', 'info', 'warn', 'error', 'fatal']),
  logFormat: oneOf(['auto', 'pretty', 'json']),
  shutdownTimeoutMs: whole(1, 600_000),
});

/**
 * How a scheduler runs. Addresses are host:port; times are in milliseconds.
 *
 * - `dataDir`: everything the scheduler keeps. One scheduler at a time.
 * - `listen`, `http`: gRPC for stores and clients; health and metrics.
 * - `advertise`: where stores and clients reach `listen`, if elsewhere; the scheduler tells it to whoever asks for members.
 * - `maxPeerCount`: replicas of each region in a cluster that begins with this scheduler.
 * - `shutdownTimeoutMs`: how long a shutdown waits for calls under way.
 */
export type SchedulerAppConfig = Readonly<z.infer<typeof schema>>;

/** A scheduler reachable from this machine only. */
export const defaultSchedulerAppConfig: SchedulerAppConfig = Object.freeze({
  dataDir: './data/scheduler',
  listen: '127.0.0.1:7400',
  http: '127.0.0.1:7401',
  maxPeerCount: 3,
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

/** One thing that is wrong with a configuration. */
export interface ConfigViolation {
  readonly option: string;
  readonly value?: unknown;
  readonly reason: string;
}

/** A configuration that cannot be used, with everything that is wrong with it. */
export class SchedulerAppConfigError extends Error {
  readonly code = 'invalidConfig';
  readonly violations: readonly ConfigViolation[];

  constructor(violations: readonly ConfigViolation[]) {
    super(`invalid configuration: ${violations.map(({ option, reason }) => `${option}: ${reason}`).join('; ')}`);
    this.name = 'SchedulerAppConfigError';
    this.violations = violations;
  }
}

/**
 * Completes a configuration with the defaults and freezes it.
 *
 * @throws {SchedulerAppConfigError} with every violation at once.
 */
export function resolveSchedulerAppConfig(partial: Readonly<Record<string, unknown>> = {}): SchedulerAppConfig {
  const given: Readonly<Record<string, unknown>> = { ...defaultSchedulerAppConfig, ...partial };
  const parsed = schema.safeParse(given);
  const violations = (parsed.error?.issues ?? []).flatMap((issue): ConfigViolation[] => {
    if (issue.code === 'unrecognized_keys') {
      return issue.keys.map((option) => ({ option, reason: 'there is no such option' }));
    }
    const option = String(issue.path[0]);
    return [{ option, value: given[option], reason: issue.message }];
  });
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

function isAddress(text: string): boolean {
  const port = Number(/^(?:[^\s:[\]]+|\[[0-9a-fA-F:.]+\]):(\d{1,5})$/.exec(text)?.[1]);
  return port >= 0 && port <= 65_535;
}

function isWildcard(text: string): boolean {
  return /^(0\.0\.0\.0|\[::\]|\[0:0:0:0:0:0:0:0\]):/.test(text);
}
