import { logEntryKey, MemoryEngine, RaftLogStore, raftStateKey, regionStateKey } from '@flotilla/engine';
import { eraftpb, raft_serverpb } from '@flotilla/protocol';
import type { StoreHealth } from '@flotilla/raftstore';
import { errorOf, headerOf, putCommand, TestCluster, type TestNode } from '@flotilla/test-harness';
import { describe, expect, it } from 'vitest';

describe('a disk that refuses a write', () => {
  const cases = [
    ['raft', 'sync', 'engineIo', 'diskFailure'],
    ['raft', 'write', 'diskFull', 'diskFull'],
    ['kv', 'write', 'diskFull', 'diskFull'],
  ] as const;
  for (const [database, operation, fault, code] of cases) {
    it(`stops the store with ${code} when the ${database} ${operation} fails, and nothing more is acknowledged`, async () => {
      const cluster = await TestCluster.start(1);
      const [node] = cluster.nodes;
      await cluster.put('k', 'v');
      const health: StoreHealth[] = [];
      node!.store!.health.subscribe((one) => health.push(one));
      const disk = database === 'raft' ? node!.raftDisk : node!.kvDisk;
      disk.faults = { [operation]: () => fault };
      const command = putCommand(headerOf(cluster.regionOn(node!)), 'k', 'w');
      const results = await cluster.run(Promise.all([node!.store!.execute(command), node!.store!.execute(command)]));
      for (const result of results) expect(errorOf(result)?.outcomeUnknown).toBeDefined();
      expect(node!.fatal?.code).toBe(code);
      expect(health.at(-1)?.status).toBe('failed');
      const after = await cluster.execute(node!, command);
      expect(errorOf(after)?.serverIsBusy?.reason).toBe('the store is failed');
      disk.faults = {};
      cluster.crash(node!);
      await cluster.restart(node!);
      expect(['v', 'w']).toContain(await cluster.get('k'));
      await cluster.close();
    });
  }
});

describe('a damaged raft log', () => {
  async function damage(change: (node: TestNode, regionId: number) => Promise<void>): Promise<unknown> {
    const cluster = await TestCluster.start(1);
    const [node] = cluster.nodes;
    for (let number = 0; number < 5; number += 1) await cluster.put(`k${number}`, 'v');
    const regionId = cluster.region.id;
    await cluster.stop(node!);
    node!.raftEngine = new MemoryEngine(node!.raftDisk);
    await change(node!, regionId);
    await node!.raftEngine.close();
    return cluster.restart(node!).then(
      () => 'opened',
      (error: unknown) => error,
    );
  }

  it('is refused with the place of a record that was changed', async () => {
    const error = await damage(async ({ raftEngine }, regionId) => {
      const key = logEntryKey(regionId, 8);
      const record = Uint8Array.from(raftEngine.getSync(key)!);
      record[record.length - 1] = (record.at(-1) as number) ^ 1;
      const batch = raftEngine.batch();
      batch.put(key, record);
      await raftEngine.write(batch, { sync: true });
    });
    expect(error).toMatchObject({ code: 'corruptedRecord', damage: { kind: 'entry', index: 8 } });
  });

  it('is refused when a record or the raft state is missing', async () => {
    for (const keyOf of [(regionId: number) => logEntryKey(regionId, 8), raftStateKey]) {
      const error = await damage(async ({ raftEngine }, regionId) => {
        const batch = raftEngine.batch();
        batch.delete(keyOf(regionId));
        await raftEngine.write(batch, { sync: true });
      });
      expect(error).toMatchObject({ code: expect.stringMatching(/corrupted/) });
    }
  });
});

describe('a raft state that is gone', () => {
  it('is damage while there is a log, even if nothing of it is known to be applied', async () => {
    const cluster = await TestCluster.start(1);
    const [node] = cluster.nodes;
    for (let number = 0; number < 5; number += 1) await cluster.put(`k${number}`, 'v');
    // Takes what was applied with it, which is not synced, and leaves the log, which is.
    cluster.crash(node!);
    node!.raftDisk.rot(raftStateKey(cluster.region.id), undefined);
    await expect(cluster.restart(node!)).rejects.toMatchObject({ code: 'corrupted' });
  });
});

describe('a region state that is gone', () => {
  it('is damage while the region has a log: its entries count for quorums', async () => {
    const cluster = await TestCluster.start(3);
    for (let number = 0; number < 5; number += 1) await cluster.put(`k${number}`, 'v');
    const [node] = cluster.nodes;
    cluster.crash(node!);
    node!.kvDisk.rot(regionStateKey(cluster.region.id), undefined);
    await expect(cluster.restart(node!)).rejects.toMatchObject({ code: 'corrupted' });
  });

  it('is none where a bootstrap was cut off before it, or the peer is one that knows nothing but its id', async () => {
    const cluster = await TestCluster.start(1);
    const [node] = cluster.nodes;
    await cluster.put('k', 'v');
    const logStore = new RaftLogStore(node!.raftEngine);
    const batch = node!.raftEngine.batch();
    const hardState = { term: 7, vote: 3, commit: 0 };
    logStore.putState(batch, 800, { hardState: { term: 5, vote: 0, commit: 5 }, lastIndex: 5, lastTerm: 5 });
    logStore.putState(batch, 900, { hardState, lastIndex: 0, lastTerm: 0 });
    await node!.raftEngine.write(batch, { sync: true });
    cluster.crash(node!);
    await cluster.restart(node!);
    expect(await cluster.get('k')).toBe('v');
    await cluster.close();
  });
});

describe('messages from elsewhere', () => {
  it('that are broken, for another store or of another time change nothing', async () => {
    const cluster = await TestCluster.start(3);
    await cluster.put('k', 'v');
    const leader = await cluster.awaitLeader();
    const region = cluster.regionOn(leader);
    const me = region.peers.find((peer) => peer.storeId === leader.storeId)!;
    const other = region.peers.find((peer) => peer.storeId !== leader.storeId)!;
    const message = (fields: Partial<raft_serverpb.RaftMessage>) =>
      raft_serverpb.RaftMessage.create({
        regionId: region.id,
        fromPeer: other,
        toPeer: me,
        regionEpoch: region.regionEpoch,
        ...fields,
      });
    const raft = (fields: Partial<eraftpb.Message>) =>
      eraftpb.Message.create({ from: other.id, to: me.id, term: 1, ...fields });
    const store = leader.store!;
    store.deliver(message({}));
    store.deliver(message({ toPeer: undefined }));
    store.deliver(message({ message: raft({ msgType: 55 as never }) }));
    const entries = [eraftpb.Entry.create({ entryType: 9 as never, index: 1, term: 1 })];
    store.deliver(message({ message: raft({ msgType: eraftpb.MessageType.MsgAppend, entries }) }));
    store.deliver(message({ regionId: 999, message: raft({ msgType: eraftpb.MessageType.MsgAppend }) }));
    store.deliver(
      message({ toPeer: { ...me, storeId: 99 }, message: raft({ msgType: eraftpb.MessageType.MsgAppend }) }),
    );
    store.deliver(message({ isTombstone: true }));
    store.deliver(message({ message: raft({ msgType: eraftpb.MessageType.MsgSnapshot }) }));
    await cluster.world.advance(500);
    expect(leader.fatal).toBeUndefined();
    expect(store.status()).toHaveLength(1);
    expect(await cluster.get('k')).toBe('v');
    await cluster.close();
  });

  it('cannot announce a snapshot that is none', async () => {
    const cluster = await TestCluster.start(1);
    const [node] = cluster.nodes;
    const receive = (message: raft_serverpb.RaftMessage) => node!.store!.receiveSnapshot(message);
    await expect(receive(raft_serverpb.RaftMessage.create({}))).rejects.toMatchObject({ code: 'malformedSnapshot' });
    const snapshot = { data: Buffer.from('nonsense'), metadata: { confState: undefined, index: 9, term: 9 } };
    const message = eraftpb.Message.create({ msgType: eraftpb.MessageType.MsgSnapshot, snapshot });
    await expect(receive(raft_serverpb.RaftMessage.create({ message }))).rejects.toMatchObject({
      code: 'malformedSnapshot',
    });
    await cluster.close();
  });
});
