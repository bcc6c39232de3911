import { type KeyRange, prefixRange } from '../backend/key-value.ts';

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8');

/**
 * Where instances are in the backend: `PREFIX/NAME/INSTANCE`. Neither part has a `/`, so that no service's keys lie among
 * another's.
 */
export class ServiceLayout {
  readonly #prefix: string;

  constructor(keyPrefix: string) {
    this.#prefix = `${keyPrefix}/`;
  }

  instanceKey(name: string, instanceId: string): Uint8Array {
    return encoder.encode(`${this.#prefix}${name}/${instanceId}`);
  }

  /** All instances of a service. */
  serviceRange(name: string): Required<KeyRange> {
    return prefixRange(encoder.encode(`${this.#prefix}${name}/`)) as Required<KeyRange>;
  }

  /** All instances of all services. */
  get range(): Required<KeyRange> {
    return prefixRange(encoder.encode(this.#prefix)) as Required<KeyRange>;
  }

  /** What follows the service's name in a key of it: the id of an instance, or what another tool made of it. */
  withinService(name: string, key: Uint8Array): string {
    return decoder.decode(key).slice(this.#prefix.length + name.length + 1);
  }

  /** Service and instance of a key; undefined for one that another tool made. */
  parse(key: Uint8Array): { readonly name: string; readonly instanceId: string } | undefined {
    const parts = decoder.decode(key).slice(this.#prefix.length).split('/');
    const [name, instanceId] = parts;
    return parts.length === 2 && name && instanceId ? { name, instanceId } : undefined;
  }
}
