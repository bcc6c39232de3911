import type { ZodType } from 'zod';
import type { ConfigCallOptions, ConfigCenter, ConfigSetOptions } from './config-center.ts';
import { parseConfigValue } from './config-schema.ts';
import type { ConfigValue } from './config-value.ts';

/** A value with what its schema makes of it. */
export interface TypedConfigValue<T> extends Omit<ConfigValue, 'value'> {
  readonly value: T;
  /** As stored. */
  readonly text: string;
}

/** One key whose values are JSON of a type. */
export class TypedConfig<T> {
  readonly key: string;
  readonly #center: ConfigCenter;
  readonly #schema: ZodType<T>;

  constructor(center: ConfigCenter, key: string, schema: ZodType<T>) {
    this.#center = center;
    this.key = key;
    this.#schema = schema;
  }

  /** @throws {ValidationError} when what is stored does not fit the schema; {CoordinationError}. */
  async get(options?: ConfigCallOptions): Promise<TypedConfigValue<T> | undefined> {
    const found = await this.#center.get(this.key, options);
    return found === undefined ? undefined : this.#typed(found);
  }

  /** Stores `value` as JSON. @throws {ValidationError} that names each field that is wrong; otherwise as `ConfigCenter.set`. */
  async set(value: T, options?: ConfigSetOptions): Promise<TypedConfigValue<T>> {
    const text = JSON.stringify(value);
    parseConfigValue(this.key, text, { schema: this.#schema });
    return this.#typed(await this.#center.set(this.key, text, options));
  }

  #typed(found: ConfigValue): TypedConfigValue<T> {
    const value = parseConfigValue(this.key, found.value, { schema: this.#schema });
    return { ...found, value, text: found.value };
  }
}
