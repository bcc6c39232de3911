import type { ZodType } from 'zod';
import { ValidationError } from '../coordination-error.ts';

/** A schema for the values of one key, or of all keys that begin with a prefix. */
export type ConfigSchemaRule = (
  | { readonly key: string; readonly prefix?: undefined }
  | { readonly prefix: string; readonly key?: undefined }
) & {
  readonly schema: ZodType;
  /** Whether the schema judges the parsed JSON, as it does unless told, or the text itself. */
  readonly format?: 'json' | 'text';
};

/** The rules of a configuration centre. For a key counts its own rule, or else the longest prefix's; the latest of two equals. */
export class ConfigSchemas {
  readonly #rules: ConfigSchemaRule[] = [];

  add(rule: ConfigSchemaRule): void {
    this.#rules.unshift(rule);
  }

  /** @throws {ValidationError} that names each field that is wrong. */
  check(key: string, value: string): void {
    const rule = this.#ruleFor(key);
    if (rule !== undefined) parseConfigValue(key, value, rule);
  }

  #ruleFor(key: string): ConfigSchemaRule | undefined {
    const own = this.#rules.find((rule) => rule.key === key);
    if (own !== undefined) return own;
    let longest: ConfigSchemaRule | undefined;
    for (const rule of this.#rules) {
      if (rule.prefix === undefined || !key.startsWith(rule.prefix)) continue;
      if (longest?.prefix === undefined || rule.prefix.length > longest.prefix.length) longest = rule;
    }
    return longest;
  }
}

/**
 * What a schema makes of a value.
 *
 * @throws {ValidationError} that names the key and each field that is wrong; values themselves are not shown.
 */
export function parseConfigValue<T>(
  key: string,
  value: string,
  rule: { readonly schema: ZodType<T>; readonly format?: 'json' | 'text' },
): T {
  const parsed = rule.schema.safeParse(rule.format === 'text' ? value : jsonOf(key, value));
  if (parsed.success) return parsed.data;
  const issues = parsed.error.issues.map(
    ({ path, message }) => `${path.length === 0 ? 'value' : path.join('.')}: ${message}`,
  );
  throw new ValidationError(`configuration ${JSON.stringify(key)}: ${issues.join('; ')}`, { cause: parsed.error });
}

function jsonOf(key: string, value: string): unknown {
  try {
    return JSON.parse(value);
  } catch (cause) {
    throw new ValidationError(`configuration ${JSON.stringify(key)}: value: is not JSON`, { cause });
  }
}
