import type { RawClient } from '@flotilla/client';
import { createTestCluster } from '@flotilla/test-harness';

/** The program under test: a phone book in a Flotilla cluster. */
export class PhoneBook {
  readonly #client: RawClient;

  constructor(client: RawClient) {
    this.#client = client;
  }

  async add(name: string, number: string): Promise<void> {
    await this.#client.put(Buffer.from(`phone/${name}`), Buffer.from(number));
  }

  async find(name: string): Promise<string | undefined> {
    const number = await this.#client.get(Buffer.from(`phone/${name}`));
    return number === undefined ? undefined : Buffer.from(number).toString();
  }
}

/** Its test: a number outlives a power cut of the leader, and is found through the stores that are left. */
export async function phoneBookSurvivesItsLeader(): Promise<string | undefined> {
  await using cluster = await createTestCluster({ stores: 3, seed: 7 });
  const book = new PhoneBook(cluster.client);
  await book.add('Shackleton', '1914');
  const leader = await cluster.awaitLeader();
  cluster.crash(leader);
  const found = await book.find('Shackleton');
  await cluster.restart(leader);
  const others = cluster.nodes.filter((node) => node !== leader);
  cluster.network.partition([[leader.storeId], others.map(({ storeId }) => storeId)]);
  await book.add('Worsley', '1917');
  cluster.network.heal();
  return `${found} ${await book.find('Worsley')}`;
}
