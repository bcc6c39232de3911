import { errorOf, getCommand, headerOf, putCommand, TestCluster } from '@flotilla/test-harness';
import { describe, expect, it } from 'vitest';

describe('what was acknowledged', () => {
  it('survives a power cut of every store at once', async () => {
    const cluster = await TestCluster.start(3, { seed: 7 });
    for (let number = 0; number < 30; number += 1) await cluster.put(`k${number}`, `v${number}`);
    for (const node of cluster.nodes) cluster.crash(node);
    for (const node of cluster.nodes) await cluster.restart(node);
    for (let number = 0; number < 30; number += 1) expect(await cluster.get(`k${number}`)).toBe(`v${number}`);
    await cluster.close();
  });

  it('costs each replica one write of the log, not another for the commit index', async () => {
    const cluster = await TestCluster.start(3);
    await cluster.put('first', '1');
    await cluster.world.advance(1_000);
    const unsynced: number[] = [];
    for (const { raftEngine } of cluster.nodes) {
      const write = raftEngine.write.bind(raftEngine);
      raftEngine.write = (batch, options) => {
        if (!options.sync) unsynced.push(batch.count);
        return write(batch, options);
      };
    }
    const before = cluster.nodes.map(({ store }) => store!.metrics().logWrite.count);
    await cluster.put('second', '2');
    await cluster.until('all have it', () => cluster.nodes.every((node) => cluster.valueOn(node, 'second') === '2'));
    await cluster.world.advance(100);
    expect(cluster.nodes.map(({ store }, index) => store!.metrics().logWrite.count - before[index]!)).toEqual([
      1, 1, 1,
    ]);
    expect(unsynced).toEqual([]);
    await cluster.close();
  });

  it('survives on a single store whose data were never synced', async () => {
    const cluster = await TestCluster.start(1);
    const [node] = cluster.nodes;
    for (let number = 0; number < 30; number += 1) await cluster.put(`k${number}`, `v${number}`);
    expect(node!.kvDisk.unsyncedCount).toBeGreaterThan(0);
    cluster.crash(node!);
    await cluster.restart(node!);
    for (let number = 0; number < 30; number += 1) expect(await cluster.get(`k${number}`)).toBe(`v${number}`);
    await cluster.close();
  });

  it('survives a power cut that keeps a later write of the data and loses an earlier one', async () => {
    const cluster = await TestCluster.start(1);
    const [node] = cluster.nodes;
    await cluster.put('a', '1');
    await cluster.put('b', '2');
    // LevelDB may do this when it has begun a new log file: the applied index is there, the data before it are not.
    const batch = node!.kvEngine.batch();
    batch.delete(Buffer.from('default_a'));
    await node!.kvEngine.write(batch, { sync: false });
    cluster.crash(node!, { keepsPageCache: true });
    expect(node!.kvDisk.unsyncedCount).toBe(0);
    await cluster.restart(node!);
    expect(await cluster.get('a')).toBe('1');
    expect(await cluster.get('b')).toBe('2');
    await cluster.close();
  });

  it('is durable in full after a close in good order', async () => {
    const cluster = await TestCluster.start(1);
    const [node] = cluster.nodes;
    await cluster.put('a', '1');
    await cluster.stop(node!);
    expect(node!.kvDisk.unsyncedCount).toBe(0);
    await cluster.restart(node!);
    expect(await cluster.get('a')).toBe('1');
    await cluster.close();
  });
});

describe('a minority', () => {
  it('commits nothing, and answers what it was given once it is back among the others', async () => {
    const cluster = await TestCluster.start(3);
    await cluster.put('k', 'old');
    const alone = await cluster.awaitLeader();
    const others = cluster.nodes.filter((node) => node !== alone);
    cluster.network.partition([[alone.storeId], others.map((node) => node.storeId)]);
    const lost = alone.store!.execute(putCommand(headerOf(cluster.regionOn(alone)), 'k', 'lost'));
    let error: ReturnType<typeof errorOf> | 'pending' = 'pending';
    void lost.then((result) => {
      error = errorOf(result);
    });
    await cluster.awaitLeader(alone);
    await cluster.put('k', 'new');
    expect(error).toBe('pending');
    expect(cluster.valueOn(alone, 'k')).toBe('old');
    cluster.network.heal();
    await cluster.until('the proposal is answered', () => error !== 'pending');
    expect((error as unknown as ReturnType<typeof errorOf>)?.staleCommand).toBeDefined();
    await cluster.until('the old leader follows', () => cluster.valueOn(alone, 'k') === 'new');
    expect(await cluster.get('k')).toBe('new');
    await cluster.close();
  });

  it('serves no reads once its leader has noticed', async () => {
    const cluster = await TestCluster.start(3);
    await cluster.put('k', 'old');
    const alone = await cluster.awaitLeader();
    cluster.network.partition([[alone.storeId]]);
    const result = await cluster.execute(alone, getCommand(headerOf(cluster.regionOn(alone)), 'k'));
    expect(errorOf(result)?.notLeader).toBeDefined();
    cluster.network.heal();
    await cluster.close();
  });
});
