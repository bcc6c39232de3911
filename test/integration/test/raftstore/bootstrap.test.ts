import { MemoryEngine, readPrepareBootstrap, readRegionState, readStoreIdent } from '@flotilla/engine';
import { MemorySnapshotDirectory, openRaftStore } from '@flotilla/raftstore';
import { MockScheduler } from '@flotilla/scheduler-client';
import { TestCluster, type TestNode } from '@flotilla/test-harness';
import { describe, expect, it } from 'vitest';

/** Makes the n-th write of either database fail, for the time of one call. */
function failAtWrite(node: TestNode, at: number): () => boolean {
  let left = at;
  let hasFailed = false;
  const write = (): 'engineIo' | undefined => {
    left -= 1;
    hasFailed ||= left < 0;
    return left < 0 ? 'engineIo' : undefined;
  };
  node.kvDisk.faults = { write };
  node.raftDisk.faults = { write };
  return () => hasFailed;
}

describe('bootstrap', () => {
  it('can be cut off at any write and begun again', async () => {
    for (let at = 0; at < 6; at += 1) {
      const cluster = new TestCluster();
      const node = cluster.createNode();
      const hasFailed = failAtWrite(node, at);
      const opening = cluster.open(node);
      const outcome = await opening.then(
        () => 'opened',
        () => 'failed',
      );
      node.kvDisk.faults = {};
      node.raftDisk.faults = {};
      expect(outcome).toBe(hasFailed() ? 'failed' : 'opened');
      cluster.crash(node);
      await cluster.restart(node);
      await cluster.put('k', 'v');
      expect(await cluster.get('k')).toBe('v');
      expect(readPrepareBootstrap(node.kvEngine)).toBeUndefined();
      await cluster.close();
    }
  });

  it('goes on when the answer of the scheduler was lost', async () => {
    const cluster = new TestCluster();
    const node = cluster.createNode();
    const client = cluster.scheduler.createClient();
    const bootstrap = client.bootstrap.bind(client);
    client.bootstrap = async (...args) => {
      await bootstrap(...args);
      throw new Error('the answer was lost');
    };
    const options = optionsOf(cluster, node);
    await expect(cluster.run(openRaftStore({ ...options, schedulerClient: client }))).rejects.toThrow('lost');
    expect(readPrepareBootstrap(node.kvEngine)).toBeDefined();
    await cluster.open(node);
    await cluster.put('k', 'v');
    expect(readPrepareBootstrap(node.kvEngine)).toBeUndefined();
    await cluster.close();
  });

  it('gives up its first region when another store was first', async () => {
    const cluster = new TestCluster();
    const late = cluster.createNode();
    const client = cluster.scheduler.createClient();
    client.bootstrap = async () => {
      throw new Error('cut off');
    };
    const options = optionsOf(cluster, late);
    await expect(cluster.run(openRaftStore({ ...options, schedulerClient: client }))).rejects.toThrow('cut off');
    const prepared = readPrepareBootstrap(late.kvEngine)!;
    await cluster.addNode();
    const store = await cluster.open(late);
    expect(store.status()).toHaveLength(0);
    expect(readPrepareBootstrap(late.kvEngine)).toBeUndefined();
    expect(readRegionState(late.kvEngine, prepared.id)).toBeUndefined();
    await cluster.close();
  });
});

describe('a directory', () => {
  it('of another cluster is refused', async () => {
    const cluster = await TestCluster.start(1);
    const [node] = cluster.nodes;
    await cluster.stop(node!);
    node!.kvEngine = new MemoryEngine(node!.kvDisk);
    node!.raftEngine = new MemoryEngine(node!.raftDisk);
    const other = new MockScheduler(cluster.world.createRuntime('other'), { clusterId: 99 });
    const opening = openRaftStore({ ...optionsOf(cluster, node!), schedulerClient: other.createClient() });
    await expect(cluster.run(opening)).rejects.toMatchObject({ code: 'clusterMismatch' });
    expect(readStoreIdent(node!.kvEngine)?.clusterId).toBe(1);
  });

  it('with data but without an identity is refused', async () => {
    const cluster = new TestCluster();
    const node = cluster.createNode();
    const batch = node.kvEngine.batch();
    batch.put(Buffer.from('default_k'), Buffer.from('v'));
    await node.kvEngine.write(batch, { sync: true });
    await expect(cluster.open(node)).rejects.toMatchObject({ code: 'notEmpty' });
    expect(readStoreIdent(node.kvEngine)).toBeUndefined();
  });
});

function optionsOf(cluster: TestCluster, node: TestNode) {
  return {
    runtime: node.runtime,
    kvEngine: node.kvEngine,
    raftEngine: node.raftEngine,
    transport: cluster.network.transportOf(() => 0),
    storeAddress: 'here:1',
    snapshotDirectory: new MemorySnapshotDirectory(node.runtime.clock),
    taskWorkers: 'inline' as const,
  };
}
