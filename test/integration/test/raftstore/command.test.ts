import { metapb, raft_cmdpb } from '@flotilla/protocol';
import type { RaftStoreConfig } from '@flotilla/raftstore';
import {
  errorOf,
  getCommand,
  headerOf,
  putCommand,
  snapCommand,
  TestCluster,
  type TestNode,
} from '@flotilla/test-harness';
import { describe, expect, it } from 'vitest';

async function single(
  config: Partial<RaftStoreConfig> = {},
): Promise<{ cluster: TestCluster; node: TestNode; region: metapb.Region }> {
  const cluster = await TestCluster.start(1, { config });
  const node = await cluster.awaitLeader();
  await cluster.put('first', '1');
  return { cluster, node, region: cluster.regionOn(node) };
}

describe('a command is checked', () => {
  it('for its store, peer, term, epoch and region, in this order', async () => {
    const { cluster, node, region } = await single();
    const peer = region.peers[0]!;
    const header = headerOf(region, peer);
    const put = (changes: Partial<raft_cmdpb.RaftRequestHeader>) =>
      cluster.execute(node, putCommand({ ...header, ...changes }, 'k', 'v')).then(errorOf);
    const wrongEpoch = { confVer: 1, version: 9 };
    const all = { peer: metapb.Peer.create({ id: 77, storeId: 99 }), term: 1, regionEpoch: wrongEpoch };
    expect((await put(all))?.storeNotMatch?.actualStoreId).toBe(node.storeId);
    expect((await put({ ...all, peer: { ...peer, id: 77 } }))?.invalidRequest?.field).toBe('header.peer');
    expect((await put({ ...all, peer }))?.staleCommand).toBeDefined();
    expect((await put({ ...all, peer, term: 0 }))?.epochNotMatch?.currentRegions).toEqual([region]);
    expect((await put({ regionId: 12345 }))?.regionNotFound?.regionId).toBe(12345);
    expect(await put({})).toBeUndefined();
    await cluster.close();
  });

  it('for the size of its keys, values and entry, at each limit', async () => {
    const { cluster, node, region } = await single({
      maxKeyBytes: 16,
      maxValueBytes: 100,
      maxEntryBytes: 160,
      maxBatchOperations: 2,
    });
    const header = headerOf(region);
    const put = (keyBytes: number, valueBytes: number) =>
      cluster
        .execute(node, putCommand(header, new Uint8Array(keyBytes).fill(65), new Uint8Array(valueBytes)))
        .then(errorOf);
    expect(await put(15, 1)).toBeUndefined();
    expect(await put(16, 1)).toBeUndefined();
    expect((await put(17, 1))?.invalidRequest).toEqual({
      field: 'requests[0].key',
      reason: '17 bytes, the limit is 16',
    });
    expect(await put(1, 99)).toBeUndefined();
    expect(await put(1, 100)).toBeUndefined();
    expect((await put(1, 101))?.invalidRequest?.field).toBe('requests[0].value');
    const { requests } = putCommand(header, 'k', new Uint8Array(100));
    const batch = (count: number) =>
      cluster
        .execute(node, raft_cmdpb.RaftCmdRequest.create({ header, requests: new Array(count).fill(requests[0]) }))
        .then(errorOf);
    expect((await batch(0))?.invalidRequest?.reason).toContain('at least one');
    expect(await batch(1)).toBeUndefined();
    const tooLarge = (await batch(2))?.raftEntryTooLarge;
    expect(tooLarge?.limit).toBe(160);
    expect(tooLarge?.entrySize).toBeGreaterThan(160);
    expect((await batch(3))?.invalidRequest?.reason).toBe('3 operations, the limit is 2');
    await cluster.close();
  });

  it('for being all reads or all writes on known column families', async () => {
    const { cluster, node, region } = await single();
    const header = headerOf(region);
    const mixed = raft_cmdpb.RaftCmdRequest.create({
      header,
      requests: [...putCommand(header, 'k', 'v').requests, ...getCommand(header, 'k').requests],
    });
    expect(errorOf(await cluster.execute(node, mixed))?.invalidRequest?.field).toBe('requests[1]');
    const family = await cluster.execute(node, putCommand(header, 'k', 'v', 'nowhere'));
    expect(errorOf(family)?.invalidRequest?.reason).toContain('column family');
    const missing = raft_cmdpb.RaftCmdRequest.create({
      header,
      requests: [raft_cmdpb.Request.create({ cmdType: raft_cmdpb.CmdType.Put })],
    });
    expect(errorOf(await cluster.execute(node, missing))?.invalidRequest).toBeDefined();
    expect(await cluster.get('k')).toBeUndefined();
    await cluster.close();
  });
});

describe('a busy store', () => {
  it('refuses by name what its mailbox cannot hold, and answers all the rest', async () => {
    const { cluster, node, region } = await single({ mailboxCapacity: 8 });
    const store = node.store!;
    const command = putCommand(headerOf(region), 'k', 'v');
    const results = await cluster.run(Promise.all(Array.from({ length: 20 }, () => store.execute(command))));
    const busy = results.filter((result) => errorOf(result)?.serverIsBusy?.reason === 'the raft mailbox is full');
    const done = results.filter((result) => errorOf(result) === undefined);
    // A tick of the store's own may have been waiting already.
    expect(done.length).toBeGreaterThanOrEqual(7);
    expect(busy.length).toBeGreaterThanOrEqual(12);
    expect(busy.length + done.length).toBe(20);
    await cluster.close();
  });

  it('refuses by name more proposals than may be under way', async () => {
    const { cluster, node, region } = await single({ maxPendingProposals: 5 });
    const store = node.store!;
    const command = putCommand(headerOf(region), 'k', 'v');
    const results = await cluster.run(Promise.all(Array.from({ length: 9 }, () => store.execute(command))));
    expect(results.filter((result) => errorOf(result) === undefined)).toHaveLength(5);
    expect(results.filter((result) => errorOf(result)?.serverIsBusy !== undefined)).toHaveLength(4);
    expect(errorOf(await cluster.execute(node, command))).toBeUndefined();
    await cluster.close();
  });

  it('refuses to be used once it is closed', async () => {
    const { cluster, node, region } = await single();
    const store = node.store!;
    await cluster.stop(node);
    const result = await store.execute(getCommand(headerOf(region), 'k'));
    expect(errorOf(result)?.serverIsBusy?.reason).toBe('the store is closed');
  });

  it('answers what is under way when it closes', async () => {
    const cluster = await TestCluster.start(3);
    await cluster.put('k', 'v');
    const leader = await cluster.awaitLeader();
    cluster.network.partition([[leader.storeId]]);
    const header = headerOf(cluster.regionOn(leader));
    const store = leader.store!;
    const pending = [store.execute(putCommand(header, 'k', 'w')), store.execute(getCommand(header, 'k'))];
    await cluster.world.advance(100);
    await cluster.run(store.close());
    const [write, read] = await Promise.all(pending);
    expect(errorOf(write!)?.outcomeUnknown).toBeDefined();
    expect(errorOf(read!)?.serverIsBusy).toBeDefined();
  });
});

describe('a region snapshot', () => {
  it('is consistent, ordered and bounded', async () => {
    const { cluster, node, region } = await single();
    for (const key of ['a', 'b', 'c']) await cluster.put(key, key.toUpperCase());
    const { snapshot } = await cluster.execute(node, snapCommand(headerOf(region)));
    await cluster.put('b', 'changed');
    await cluster.put('bb', 'new');
    const pairs = await snapshot!.scan('default', Buffer.from('a'), 10, 1_000);
    expect(pairs.map(({ key, value }) => `${Buffer.from(key)}=${Buffer.from(value)}`)).toEqual([
      'a=A',
      'b=B',
      'c=C',
      'first=1',
    ]);
    expect(await snapshot!.scan('default', Buffer.from('b'), 1, 1_000)).toHaveLength(1);
    expect(await snapshot!.scan('default', new Uint8Array(0), 10, 1)).toHaveLength(1);
    expect(Buffer.from((await snapshot!.get('', Buffer.from('b')))!).toString()).toBe('B');
    await expect(snapshot!.get('nowhere', Buffer.from('b'))).rejects.toMatchObject({ code: 'unknownColumnFamily' });
    await snapshot!.close();
    await cluster.close();
  });
});
