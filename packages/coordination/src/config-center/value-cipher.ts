import { createCipheriv, createDecipheriv, randomFillSync } from 'node:crypto';
import { ValidationError } from '../coordination-error.ts';

const algorithm = 'aes-256-gcm';
const keyBytes = 32;
const ivBytes = 12;
const tagBytes = 16;

/** A key that values are encrypted with. */
export interface EncryptionKey {
  /** Stored beside what it encrypted, so that keys can be changed. */
  readonly id: string;
  /** 32 bytes, kept secret by whoever supplies them. */
  readonly key: Uint8Array;
}

/** An encrypted value, as stored. All but `keyId` is base64. */
export interface SealedValue {
  readonly keyId: string;
  readonly iv: string;
  /** What was encrypted, and behind it the tag of 16 bytes. */
  readonly data: string;
}

/**
 * Encrypts values with AES-256-GCM. A value is bound to its key of configuration, so that it cannot be passed off as another's.
 *
 * The first key encrypts, any of them decrypts: to change keys, put the new one first and write the values again.
 */
export class ValueCipher {
  readonly #keys: readonly EncryptionKey[];
  readonly #fill: (bytes: Uint8Array) => void;

  /**
   * @param fill Fills bytes that nobody can foresee; the system's unless given.
   * @throws {ValidationError} when there is no key, one has not 32 bytes, or two share an id.
   */
  constructor(keys: readonly EncryptionKey[], fill: (bytes: Uint8Array) => void = randomFillSync) {
    if (keys.length === 0) throw new ValidationError('encryption: at least one key is needed');
    for (const { id, key } of keys) {
      if (key.length !== keyBytes) {
        throw new ValidationError(`encryption: key ${JSON.stringify(id)} has ${key.length} bytes, not ${keyBytes}`);
      }
      if (keys.filter((other) => other.id === id).length > 1) {
        throw new ValidationError(`encryption: two keys have the id ${JSON.stringify(id)}`);
      }
    }
    this.#keys = keys;
    this.#fill = fill;
  }

  /** Encrypts the value of `key`. */
  seal(key: string, value: string): SealedValue {
    const [{ id, key: secret }] = this.#keys as readonly [EncryptionKey];
    const iv = new Uint8Array(ivBytes);
    this.#fill(iv);
    const cipher = createCipheriv(algorithm, secret, iv);
    cipher.setAAD(Buffer.from(key));
    const data = Buffer.concat([cipher.update(value, 'utf8'), cipher.final(), cipher.getAuthTag()]);
    return { keyId: id, iv: Buffer.from(iv).toString('base64'), data: data.toString('base64') };
  }

  /** Decrypts the value of `key`. @throws {ValidationError} when its key is not known, or it is not what was sealed. */
  open(key: string, sealed: SealedValue): string {
    const secret = this.#keys.find(({ id }) => id === sealed.keyId)?.key;
    if (secret === undefined) {
      throw new ValidationError(
        `configuration ${JSON.stringify(key)} is encrypted with the key ${JSON.stringify(sealed.keyId)}, which is not at hand`,
      );
    }
    try {
      const data = Buffer.from(sealed.data, 'base64');
      const decipher = createDecipheriv(algorithm, secret, Buffer.from(sealed.iv, 'base64'), {
        authTagLength: tagBytes,
      });
      decipher.setAAD(Buffer.from(key));
      decipher.setAuthTag(data.subarray(-tagBytes));
      return Buffer.concat([decipher.update(data.subarray(0, -tagBytes)), decipher.final()]).toString('utf8');
    } catch (cause) {
      throw new ValidationError(
        `configuration ${JSON.stringify(key)} cannot be decrypted: the stored value was changed, or is another key's`,
        { cause },
      );
    }
  }
}
