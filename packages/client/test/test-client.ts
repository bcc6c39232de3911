import { createSystemRuntime, type Runtime, silentLogger } from '@flotilla/runtime';
import { onTestFinished } from 'vitest';
import { createRawClient, type RawClient, type RawClientConfig, testRawClientConfig } from '../src/index.ts';
import { FakeCluster } from './fake-cluster.ts';

/** A fake cluster with a client at it; both end with the test. */
export async function startTestCluster(
  config: Partial<RawClientConfig> = {},
  runtime: Runtime = createSystemRuntime({ logger: silentLogger, seed: 1 }),
): Promise<{ readonly cluster: FakeCluster; readonly client: RawClient }> {
  const cluster = await FakeCluster.start();
  const client = createRawClient({
    schedulerClient: cluster.schedulerClient(),
    runtime,
    config: { ...testRawClientConfig, ...config },
  });
  onTestFinished(async () => {
    await client.close();
    cluster.stop();
  });
  return { cluster, client };
}

export const bytes = (text: string): Uint8Array => Buffer.from(text);

export async function collect<T>(source: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of source) all.push(item);
  return all;
}

/** Resolves once `holds` does, asked after each turn of the event loop. */
export async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setImmediate(resolve));
}
