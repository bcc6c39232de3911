import type { RawClient } from '@flotilla/client';
import type { TestCluster } from './test-cluster.ts';

/** A client whose calls run the cluster's world until they settle, for callers that simply await them. */
export function driveClient(cluster: TestCluster, client: RawClient): RawClient {
  const run = <T>(promise: Promise<T>): Promise<T> => cluster.run(promise, 600_000);
  return {
    get: (key, options) => run(client.get(key, options)),
    put: (key, value, options) => run(client.put(key, value, options)),
    delete: (key, options) => run(client.delete(key, options)),
    scan: (range, options) => driveIterable(run, client.scan(range, options)),
    scanPages: (range, options) => driveIterable(run, client.scanPages(range, options)),
    getMany: (keys, options) => run(client.getMany(keys, options)),
    putMany: (pairs, options) => run(client.putMany(pairs, options)),
    deleteMany: (keys, options) => run(client.deleteMany(keys, options)),
    storeReports: (options) => run(client.storeReports(options)),
    regionHash: (storeId, request, options) => run(client.regionHash(storeId, request, options)),
    close: () => run(client.close()),
  };
}

async function* driveIterable<T>(
  run: <R>(promise: Promise<R>) => Promise<R>,
  items: AsyncIterable<T>,
): AsyncGenerator<T> {
  const iterator = items[Symbol.asyncIterator]();
  try {
    for (let next = await run(iterator.next()); next.done !== true; next = await run(iterator.next())) yield next.value;
  } finally {
    await iterator.return?.();
  }
}
