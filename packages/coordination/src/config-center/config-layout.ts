import { type KeyRange, prefixRange } from '../backend/key-value.ts';

const digits = 20;
const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

/**
 * Where keys of configuration are in the backend.
 *
 * - `PREFIX/KEY`: the value, as a record with its times.
 * - `PREFIX.history/KEY@NUMBER`: its versions, numbered from 1 with 20 digits. In KEY, `%` and `@` are written `%25` and `%40`,
 *   so that no key's versions lie among another's.
 *
 * Both are texts, so that `etcdctl get --prefix` shows them.
 */
export class ConfigLayout {
  readonly #values: string;
  readonly #history: string;

  constructor(keyPrefix: string) {
    this.#values = `${keyPrefix}/`;
    this.#history = `${keyPrefix}.history/`;
  }

  valueKey(key: string): Uint8Array {
    return encoder.encode(this.#values + key);
  }

  /** The values of all keys that begin with `prefix`. */
  valueRange(prefix: string): KeyRange {
    return prefixRange(this.valueKey(prefix));
  }

  /** The key that a value is stored under. */
  keyOfValue(valueKey: Uint8Array): string {
    return decoder.decode(valueKey).slice(this.#values.length);
  }

  versionKey(key: string, sequence: number): Uint8Array {
    return encoder.encode(this.#versionsOf(key) + String(sequence).padStart(digits, '0'));
  }

  /** All versions of a key, or those below `sequence`, in order. */
  versionRange(key: string, sequence?: number): KeyRange {
    const range = prefixRange(encoder.encode(this.#versionsOf(key)));
    return sequence === undefined ? range : { key: range.key, end: this.versionKey(key, sequence) };
  }

  sequenceOf(versionKey: Uint8Array): number {
    return Number(decoder.decode(versionKey).slice(-digits));
  }

  #versionsOf(key: string): string {
    return `${this.#history}${key.replaceAll('%', '%25').replaceAll('@', '%40')}@`;
  }
}
