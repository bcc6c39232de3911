import { z } from 'zod';
import type { KeyValue } from '../backend/key-value.ts';
import { ValidationError } from '../coordination-error.ts';
import type { ConfigValue, ConfigVersion } from './config-value.ts';
import type { ValueCipher } from './value-cipher.ts';

/**
 * What is stored, as JSON in UTF-8, so that people can read it with other tools:
 *
 * - a value: `{"value", "createTime", "updateTime", "author"?, "comment"?, "metadata"?}`
 * - a version: `{"type", "value"?, "time", "author"?, "comment"?}`
 *
 * Times are ISO 8601. An encrypted value is `"sealed"` in place of `"value"`. Neither holds its version: that is the revision it
 * was written at, which the backend keeps, and which a value shares with its version.
 */
const sealedValue = z.object({ keyId: z.string(), iv: z.string(), data: z.string() });
const content = z.object({ value: z.string().optional(), sealed: sealedValue.optional() });
const time = z.iso.datetime();
const about = z.object({ author: z.string().optional(), comment: z.string().optional() });
const valueRecord = content
  .extend(about.shape)
  .extend({ createTime: time, updateTime: time, metadata: z.record(z.string(), z.string()).optional() })
  .refine(({ value, sealed }) => (value === undefined) !== (sealed === undefined));
const versionRecord = content
  .extend(about.shape)
  .extend({ type: z.enum(['create', 'update', 'delete']), time })
  .refine(({ type, value, sealed }) => (type === 'delete') === (value === undefined && sealed === undefined));

/** Who writes, and why. */
export interface WriteNote {
  readonly author?: string | undefined;
  readonly comment?: string | undefined;
}

/** Turns values and versions into what is stored, and back. */
export class ConfigRecords {
  readonly #cipher: ValueCipher | undefined;

  /** @param cipher Encrypts values; they are stored as they are unless given. */
  constructor(cipher?: ValueCipher) {
    this.#cipher = cipher;
  }

  encodeValue(
    key: string,
    value: string,
    times: { readonly createTime: Date; readonly updateTime: Date },
    note: WriteNote & { readonly metadata?: Readonly<Record<string, string>> | undefined },
  ): Uint8Array {
    const { author, comment, metadata } = note;
    return encode({ ...this.#content(key, value), ...times, author, comment, metadata });
  }

  encodeVersion(
    key: string,
    type: ConfigVersion['type'],
    value: string | undefined,
    time: Date,
    { author, comment }: WriteNote,
  ): Uint8Array {
    return encode({ type, ...(value === undefined ? {} : this.#content(key, value)), time, author, comment });
  }

  /** A value that another tool wrote is its whole text, without times. @throws {ValidationError} as `ValueCipher.open` does. */
  decodeValue(key: string, kv: KeyValue): ConfigValue {
    const parsed = valueRecord.safeParse(jsonOf(kv.value));
    if (!parsed.success) return foreignValue(key, kv);
    const { createTime, updateTime, author, comment, metadata, value, sealed } = parsed.data;
    return {
      key,
      value: this.#valueOf(key, value, sealed),
      version: kv.modRevision,
      createTime: new Date(createTime),
      updateTime: new Date(updateTime),
      author,
      comment,
      metadata: metadata ?? {},
    };
  }

  /** When the key was made; known of an encrypted value without its key too. */
  createTimeOf(kv: KeyValue): Date {
    const parsed = valueRecord.safeParse(jsonOf(kv.value));
    return new Date(parsed.success ? parsed.data.createTime : 0);
  }

  /** @throws {ValidationError} when it is no version, or cannot be decrypted. */
  decodeVersion(key: string, kv: KeyValue): ConfigVersion {
    const parsed = versionRecord.safeParse(jsonOf(kv.value));
    if (!parsed.success) {
      throw new ValidationError(`the history of ${JSON.stringify(key)} holds something else: ${Buffer.from(kv.key)}`);
    }
    const { type, value, sealed, time, author, comment } = parsed.data;
    return {
      key,
      version: kv.modRevision,
      type,
      value: type === 'delete' ? undefined : this.#valueOf(key, value, sealed),
      createTime: new Date(time),
      author,
      comment,
    };
  }

  #content(key: string, value: string): Pick<z.infer<typeof content>, 'value' | 'sealed'> {
    return this.#cipher === undefined ? { value } : { sealed: this.#cipher.seal(key, value) };
  }

  #valueOf(key: string, value: string | undefined, sealed: z.infer<typeof sealedValue> | undefined): string {
    if (sealed === undefined) return value ?? '';
    if (this.#cipher === undefined) {
      throw new ValidationError(`configuration ${JSON.stringify(key)} is encrypted, and no key was given`);
    }
    return this.#cipher.open(key, sealed);
  }
}

function foreignValue(key: string, kv: KeyValue): ConfigValue {
  return {
    key,
    value: Buffer.from(kv.value).toString('utf8'),
    version: kv.modRevision,
    createTime: new Date(0),
    updateTime: new Date(0),
    author: undefined,
    comment: undefined,
    metadata: {},
  };
}

function encode(record: object): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(record));
}

function jsonOf(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(bytes).toString('utf8'));
  } catch {
    return undefined;
  }
}
