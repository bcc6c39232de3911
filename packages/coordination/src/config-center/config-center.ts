import type { Clock } from '@flotilla/runtime';
import type { ZodType } from 'zod';
import type { CallOptions, CoordinationBackend } from '../backend/coordination-backend.ts';
import type { KeyRange, KeyValue } from '../backend/key-value.ts';
import type { RangeRequest } from '../backend/transaction.ts';
import { ValidationError, withCoordinationErrors } from '../coordination-error.ts';
import { type ConfigCenterConfig, resolveConfigCenterConfig } from './config.ts';
import { type ConfigDiff, diffVersions } from './config-diff.ts';
import { ConfigLayout } from './config-layout.ts';
import { ConfigRecords, type WriteNote } from './config-record.ts';
import { type ConfigSchemaRule, ConfigSchemas } from './config-schema.ts';
import type { ConfigValue, ConfigVersion } from './config-value.ts';
import { BackendConfigWatch, type ConfigWatch, type ConfigWatchOptions } from './config-watch.ts';
import { type ConfigWrite, operationsPerWrite, type WriteContext, writeConfig } from './config-write.ts';
import { TypedConfig } from './typed-config.ts';
import { type EncryptionKey, ValueCipher } from './value-cipher.ts';

/** What every call takes. */
export interface ConfigCallOptions {
  /** Gives the call up; a write that was sent by then rejects with `outcomeUnknown`. */
  readonly signal?: AbortSignal | undefined;
  /** The whole time of the call; the backend's own for each request unless given. */
  readonly timeoutMs?: number | undefined;
}

/** What a write takes. */
export interface ConfigWriteOptions extends ConfigCallOptions, WriteNote {
  /** The version to replace; 0 for a key that must not be there yet. Whatever is there unless given. */
  readonly version?: bigint | undefined;
}

/** What a write of a value takes. */
export interface ConfigSetOptions extends ConfigWriteOptions {
  /** Kept with the value. */
  readonly metadata?: Readonly<Record<string, string>> | undefined;
}

/** One write of a transaction. */
export type ConfigOperation = { readonly key: string; readonly version?: bigint | undefined } & (
  | {
      readonly type: 'set';
      readonly value: string;
      readonly metadata?: Readonly<Record<string, string>> | undefined;
    }
  | { readonly type: 'delete' }
);

/** What a configuration centre is made with. */
export interface ConfigCenterOptions {
  /** Stays open when nobody uses the configuration centre any more. */
  readonly backend: CoordinationBackend;
  readonly clock: Clock;
  readonly config?: Partial<ConfigCenterConfig> | undefined;
  /** Schemas that values have to fit; more can be added with `addSchema`. */
  readonly schemas?: readonly ConfigSchemaRule[] | undefined;
  /** Encrypts values at rest: the first key encrypts, any decrypts. */
  readonly encryptionKeys?: readonly EncryptionKey[] | undefined;
}

/** The most writes of one transaction: with their operations they fit into the 128 of a backend's transaction. */
export const maxConfigOperations = Math.floor(128 / operationsPerWrite);

interface Parts extends WriteContext {
  readonly clock: Clock;
  readonly schemas: ConfigSchemas;
}

/**
 * Values by key, with versions, history and streams of changes, over any backend.
 *
 * A version is the revision of the write, so that it rises over all keys together; a compare-and-set is one transaction. Every
 * method rejects with a `CoordinationError`, and only `outcomeUnknown` leaves open whether something changed.
 */
export class ConfigCenter {
  readonly #parts: Parts;
  readonly #namespace: string;

  private constructor(parts: Parts, namespace: string) {
    this.#parts = parts;
    this.#namespace = namespace;
  }

  /** @throws {ConfigCenterConfigError} with code `invalidConfig`; {ValidationError} for keys of encryption that are none. */
  static open(options: ConfigCenterOptions): ConfigCenter {
    const { backend, clock, encryptionKeys } = options;
    const config = resolveConfigCenterConfig(options.config);
    const schemas = new ConfigSchemas();
    for (const rule of options.schemas ?? []) schemas.add(rule);
    const records = new ConfigRecords(encryptionKeys === undefined ? undefined : new ValueCipher(encryptionKeys));
    const layout = new ConfigLayout(config.keyPrefix);
    const now = (): Date => new Date(clock.wallMs());
    return new ConfigCenter({ backend, clock, config, layout, records, schemas, now }, '');
  }

  /** A view of the keys that begin with `name/`, which are named without it. */
  namespace(name: string): ConfigCenter {
    checkText('namespace', name);
    return new ConfigCenter(this.#parts, `${this.#namespace}${name}/`);
  }

  /** Has values checked from now on, where `enableValidation` is set; what is stored stays. */
  addSchema(rule: ConfigSchemaRule): void {
    const inside = this.#namespace;
    this.#parts.schemas.add(
      rule.key === undefined ? { ...rule, prefix: inside + rule.prefix } : { ...rule, key: inside + rule.key },
    );
  }

  /** One key with values of a type; `set` checks by this schema too. */
  typed<T>(key: string, schema: ZodType<T>): TypedConfig<T> {
    checkText('key', key);
    return new TypedConfig(this, key, schema);
  }

  /** The value as it stands; `undefined` when there is none. */
  async get(key: string, options: ConfigCallOptions = {}): Promise<ConfigValue | undefined> {
    const { backend, layout } = this.#parts;
    const { kvs } = await withCoordinationErrors(`reading ${shown(key)}`, () =>
      backend.range({ key: layout.valueKey(this.#full(key)) }, options),
    );
    return kvs[0] === undefined ? undefined : this.#decode(kvs[0]);
  }

  /** All values whose keys begin with `prefix`, in key order, and the revision they were read at. */
  async list(
    prefix = '',
    options: ConfigCallOptions = {},
  ): Promise<{ readonly values: readonly ConfigValue[]; readonly version: bigint }> {
    const { backend, layout } = this.#parts;
    const { kvs, revision } = await withCoordinationErrors('listing configuration', () =>
      backend.range(layout.valueRange(this.#namespace + prefix), options),
    );
    return { values: kvs.map((kv) => this.#decode(kv)), version: revision };
  }

  /** The version of the value; 0 when there is none. */
  async getVersion(key: string, options: ConfigCallOptions = {}): Promise<bigint> {
    const { backend, layout } = this.#parts;
    const { kvs } = await withCoordinationErrors(`reading the version of ${shown(key)}`, () =>
      backend.range({ key: layout.valueKey(this.#full(key)), keysOnly: true }, options),
    );
    return kvs[0]?.modRevision ?? 0n;
  }

  /**
   * Sets a value, as an atomic compare-and-set when `version` is given.
   *
   * @throws {VersionConflictError} with code `conflict`; {ValidationError} when a schema refuses the value.
   */
  async set(key: string, value: string, options: ConfigSetOptions = {}): Promise<ConfigValue> {
    const { version, metadata } = options;
    const [written] = await this.transact([{ type: 'set', key, value, version, metadata }], options);
    return written as ConfigValue;
  }

  /**
   * Deletes a value; its history stays. Resolves with whether there was one.
   *
   * @throws {VersionConflictError} with code `conflict`.
   */
  async delete(key: string, options: ConfigWriteOptions = {}): Promise<boolean> {
    const { written } = await this.#write([{ type: 'delete', key, version: options.version }], options);
    return written[0]?.existed ?? false;
  }

  /**
   * Does all operations or none, in one revision; resolves with the values that were set, in order.
   *
   * @param operations On different keys; at most `maxConfigOperations`.
   * @throws {VersionConflictError} with code `conflict`; {ValidationError} when a schema refuses a value.
   */
  async transact(
    operations: readonly ConfigOperation[],
    options: ConfigCallOptions & WriteNote = {},
  ): Promise<readonly ConfigValue[]> {
    const { version, written } = await this.#write(operations, options);
    const { author, comment } = options;
    return operations.flatMap((operation, index) => {
      if (operation.type === 'delete') return [];
      const { createTime, updateTime } = written[index] as (typeof written)[number];
      const { key, value, metadata = {} } = operation;
      return [{ key, value, version, createTime, updateTime, author, comment, metadata }];
    });
  }

  /** The latest `limit` versions, by rising version; of a deleted key too. Empty without `enableVersioning`. */
  async getHistory(key: string, limit?: number, options: ConfigCallOptions = {}): Promise<readonly ConfigVersion[]> {
    if (limit !== undefined && !(Number.isSafeInteger(limit) && limit >= 1)) {
      throw new ValidationError(`limit: must be a whole number from 1, got ${limit}`);
    }
    return this.#versions(key, { limit }, options);
  }

  /** One version of the history. @throws {ValidationError} when it is not kept, or never was. */
  async getHistoryVersion(key: string, version: bigint, options: ConfigCallOptions = {}): Promise<ConfigVersion> {
    const range = { minModRevision: version, maxModRevision: version };
    const [found] = await this.#versions(key, range, options);
    if (found !== undefined) return found;
    throw new ValidationError(`version: ${shown(key)} has no version ${version} in its history`);
  }

  /** What changed from one version to another, later or earlier. @throws {ValidationError} when one is not kept. */
  async diff(key: string, from: bigint, to: bigint, options: ConfigCallOptions = {}): Promise<ConfigDiff> {
    return diffVersions(
      await this.getHistoryVersion(key, from, options),
      await this.getHistoryVersion(key, to, options),
    );
  }

  /**
   * Sets the value of an earlier version again, as a new version whose comment says so.
   *
   * @throws {ValidationError} when the version is not kept, is a deletion, or its value fits the schema no more.
   */
  async rollback(key: string, toVersion: bigint, options: ConfigSetOptions = {}): Promise<ConfigValue> {
    const { value } = await this.getHistoryVersion(key, toVersion, options);
    if (value === undefined) {
      throw new ValidationError(`version: version ${toVersion} of ${shown(key)} is a deletion; delete the key instead`);
    }
    const back = `rollback to version ${toVersion}`;
    const comment = options.comment === undefined ? back : `${back}: ${options.comment}`;
    return this.set(key, value, { ...options, comment });
  }

  /** The changes of one key. */
  watch(key: string, options: ConfigWatchOptions = {}): ConfigWatch {
    return this.#watch({ key: this.#parts.layout.valueKey(this.#full(key)) }, options);
  }

  /** The changes of all keys that begin with `prefix`; of all there are for an empty one. */
  watchPrefix(prefix: string, options: ConfigWatchOptions = {}): ConfigWatch {
    return this.#watch(this.#parts.layout.valueRange(this.#namespace + prefix), options);
  }

  #watch(range: KeyRange, options: ConfigWatchOptions): ConfigWatch {
    const { backend, now } = this.#parts;
    return new BackendConfigWatch(
      { backend, now, decode: (kv) => this.#decode(kv), keyOf: (kv) => this.#keyOf(kv) },
      range,
      options,
    );
  }

  /** A stored value, named as this view names it. */
  #decode(kv: KeyValue): ConfigValue {
    const { layout, records } = this.#parts;
    return { ...records.decodeValue(layout.keyOfValue(kv.key), kv), key: this.#keyOf(kv) };
  }

  #keyOf(kv: KeyValue): string {
    return this.#parts.layout.keyOfValue(kv.key).slice(this.#namespace.length);
  }

  async #versions(
    key: string,
    filter: Pick<RangeRequest, 'limit' | 'minModRevision' | 'maxModRevision'>,
    options: ConfigCallOptions,
  ): Promise<readonly ConfigVersion[]> {
    const { backend, layout, records } = this.#parts;
    const full = this.#full(key);
    const sort = { by: 'key', order: 'descending' } as const;
    const { kvs } = await withCoordinationErrors(`reading the history of ${shown(key)}`, () =>
      backend.range({ ...layout.versionRange(full), ...filter, sort }, options),
    );
    return kvs.map((kv) => ({ ...records.decodeVersion(full, kv), key })).reverse();
  }

  #write(operations: readonly ConfigOperation[], options: ConfigCallOptions & WriteNote) {
    const { schemas, config } = this.#parts;
    if (operations.length < 1 || operations.length > maxConfigOperations) {
      throw new ValidationError(`operations: must be 1 to ${maxConfigOperations}, got ${operations.length}`);
    }
    const writes = operations.map((operation): ConfigWrite => {
      const { type, version } = operation;
      const key = this.#full(operation.key);
      if (version !== undefined && version < 0n)
        throw new ValidationError(`version: must not be negative, got ${version}`);
      if (type === 'delete') return { key, value: undefined, version };
      const { value, metadata } = operation;
      checkText('value', value);
      if (config.enableValidation) schemas.check(key, value);
      return { key, value, version, metadata };
    });
    const keys = new Set(writes.map(({ key }) => key));
    if (keys.size < writes.length) throw new ValidationError('operations: a key is written twice');
    const what = writes.length === 1 ? shown(operations[0]?.key ?? '') : `${writes.length} values`;
    return withCoordinationErrors(`writing ${what}`, () =>
      writeConfig(this.#parts, writes, options, this.#callOptions(options)),
    );
  }

  /** Options for one call after another, which share the time. */
  #callOptions({ signal, timeoutMs }: ConfigCallOptions): () => CallOptions {
    if (timeoutMs === undefined) return () => ({ signal });
    const { clock } = this.#parts;
    const endMs = clock.monotonicMs() + timeoutMs;
    return () => ({ signal, timeoutMs: Math.max(1, Math.ceil(endMs - clock.monotonicMs())) });
  }

  #full(key: string): string {
    checkText('key', key);
    if (key === '') throw new ValidationError('key: must not be empty');
    return this.#namespace + key;
  }
}

function shown(key: string): string {
  return `configuration ${JSON.stringify(key)}`;
}

/** What is not well formed could not be read back as it was. */
function checkText(field: string, text: string): void {
  if (typeof text !== 'string') throw new ValidationError(`${field}: must be a text, got ${typeof text}`);
  if (/\p{Surrogate}/u.test(text)) throw new ValidationError(`${field}: is not well-formed Unicode`);
}
