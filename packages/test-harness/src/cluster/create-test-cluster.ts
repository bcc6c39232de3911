import type { RawClient } from '@flotilla/client';
import { driveClient } from './driven-client.ts';
import { TestCluster, type TestClusterOptions } from './test-cluster.ts';

/** How a cluster for the tests of a program is made. */
export interface CreateTestClusterOptions extends TestClusterOptions {
  /** How many stores, each with a replica of the first region; 3 unless given. */
  readonly stores?: number | undefined;
}

/** A test cluster whose client runs virtual time by itself while a call of it is under way. */
export class DrivenTestCluster extends TestCluster {
  /** The real client; await its calls as in production. */
  readonly client: RawClient = driveClient(this, this.createClient('driven').raw);

  override async close(): Promise<void> {
    await this.client.close();
    await super.close();
  }

  /** Lets virtual time pass. */
  advance(byMs: number): Promise<void> {
    return this.sleep(byMs);
  }
}

/** A whole cluster in this process for the tests of a program: real code over simulated disks, network and time. */
export async function createTestCluster(options: CreateTestClusterOptions = {}): Promise<DrivenTestCluster> {
  const { stores = 3, ...others } = options;
  const cluster = new DrivenTestCluster(others);
  await cluster.grow(stores);
  return cluster;
}
