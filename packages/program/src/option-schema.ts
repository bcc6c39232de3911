import { z } from 'zod';
import type { OptionViolation } from './options-config-error.ts';

/** `host:port` to listen on, a port from 0 to 65535; an IPv6 host in brackets. */
export const listenAddress = z.string().refine((text) => portOf(text) >= 0 && portOf(text) <= 65_535, {
  error: 'expected host:port with a port from 0 to 65535',
});

/** `host:port` to connect to, a port from 1 to 65535; an IPv6 host in brackets. */
export const dialAddress = z.string().refine((text) => portOf(text) > 0 && portOf(text) <= 65_535, {
  error: 'expected host:port with a port from 1 to 65535',
});

/** The levels of a log, in rising order of gravity. */
export const logLevel = oneOf(['trace', 'debug', 'info', 'warn', 'error', 'fatal']);

/** How log lines look; `auto` is for people on a terminal, and for machines elsewhere. */
export const logFormat = oneOf(['auto', 'pretty', 'json']);

/** A whole number in a range, both ends included. */
export function wholeNumber(minimum: number, maximum: number) {
  return z
    .number({ error: 'expected a number' })
    .refine((value) => Number.isInteger(value) && value >= minimum && value <= maximum, {
      error: `expected a whole number from ${minimum} to ${maximum}`,
    });
}

function oneOf<const Choice extends string>(choices: readonly Choice[]) {
  return z.enum(choices, { error: `expected one of ${choices.join(', ')}` });
}

/** What zod found, by option: values as given, and options that there are not. */
export function schemaViolations(
  error: z.ZodError | undefined,
  given: Readonly<Record<string, unknown>>,
): OptionViolation[] {
  return (error?.issues ?? []).flatMap((issue): OptionViolation[] => {
    if (issue.code === 'unrecognized_keys') {
      return issue.keys.map((option) => ({ option, reason: 'there is no such option' }));
    }
    const option = String(issue.path[0]);
    return [{ option, value: given[option], reason: issue.message }];
  });
}

/** The port of `host:port`; NaN when it is not that. */
export function portOf(text: string): number {
  return Number(/^(?:[^\s:[\]]+|\[[0-9a-fA-F:.]+\]):(\d{1,5})$/.exec(text)?.[1]);
}

/** Whether an address stands for every interface of the machine, so that nobody can dial it. */
export function isWildcard(text: string): boolean {
  return /^(0\.0\.0\.0|\[::\]|\[0:0:0:0:0:0:0:0\]):/.test(text);
}
