import type { RawClient } from '@flotilla/client';
import type { LoadedStore } from './load.ts';

/** Puts and linearizable gets by clients of the cluster, used in turn; each has connections of its own. */
export class FlotillaStore implements LoadedStore {
  readonly #clients: readonly RawClient[];
  #next = 0;

  constructor(clients: readonly RawClient[]) {
    this.#clients = clients;
  }

  put(key: Uint8Array, value: Uint8Array): Promise<void> {
    return this.#client().put(key, value);
  }

  async get(key: Uint8Array): Promise<void> {
    if ((await this.#client().get(key)) === undefined) throw new Error('the key is not there');
  }

  async close(): Promise<void> {
    await Promise.all(this.#clients.map((client) => client.close()));
  }

  #client(): RawClient {
    const client = this.#clients[this.#next] as RawClient;
    this.#next = (this.#next + 1) % this.#clients.length;
    return client;
  }
}
