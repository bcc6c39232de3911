import { eraftpb } from '@flotilla/protocol';
import {
  errorOf,
  getCommand,
  headerOf,
  putCommand,
  snapCommand,
  splitCommand,
  TestCluster,
} from '@flotilla/test-harness';
import { describe, expect, it } from 'vitest';
import { awaitRegions, outline, putKey, regionsOn } from '../split-cluster.ts';

// Mistake 5: epoch and key range are checked at propose and at apply, snapshot reads included.
describe('a command whose region is split', () => {
  it('before it is proposed is refused then', async () => {
    const cluster = await TestCluster.start(3);
    const before = cluster.region;
    const leader = await cluster.awaitLeader();
    await putKey(cluster, 'z', 'old');
    await cluster.orders.split('m');
    await awaitRegions(cluster, 2);
    const { proposals } = leader.store!.metrics();
    for (const command of [putCommand, (header: never, key: string) => getCommand(header, key)]) {
      const error = errorOf(await cluster.execute(leader, command(headerOf(before) as never, 'z', 'new')));
      expect(outline(error?.epochNotMatch?.currentRegions ?? [])).toEqual(['-2', 'm-2']);
    }
    const [left] = regionsOn(leader);
    const outside = errorOf(await cluster.execute(leader, putCommand(headerOf(left!), 'z', 'new')));
    expect(outside?.keyNotInRegion).toMatchObject({ regionId: left!.id, endKey: Buffer.from('m') });
    expect(leader.store!.metrics().proposals).toBe(proposals);
    expect(cluster.valueOn(leader, 'z')).toBe('old');
    await cluster.close();
  });

  it('between proposal and application is refused then, on every replica', async () => {
    const cluster = await TestCluster.start(3);
    const before = cluster.region;
    const leader = await cluster.awaitLeader();
    await putKey(cluster, 'z', 'old');
    const { newRegionId, newPeerIds } = cluster.scheduler.askSplit(before, 1);
    const header = headerOf(before);
    const split = leader.store!.execute(splitCommand(header, Buffer.from('m'), newRegionId, newPeerIds));
    const puts = ['a', 'z'].map((key) => leader.store!.execute(putCommand(header, key, 'new')));
    const again = leader.store!.execute(splitCommand(header, Buffer.from('p'), newRegionId + 50, newPeerIds));
    expect(errorOf(await cluster.run(split))).toBeUndefined();
    for (const put of [...puts, again]) {
      const error = errorOf(await cluster.run(put));
      expect(outline(error?.epochNotMatch?.currentRegions ?? [])).toEqual(['-2', 'm-2']);
    }
    await awaitRegions(cluster, 2);
    for (const node of cluster.nodes) {
      expect(cluster.valueOn(node, 'a')).toBeUndefined();
      expect(cluster.valueOn(node, 'z')).toBe('old');
    }
    await cluster.close();
  });

  it('is refused when it reads, however it reads, if the split was applied before it may run', async () => {
    const cluster = await TestCluster.start(3);
    const before = cluster.region;
    const leader = await cluster.awaitLeader();
    await putKey(cluster, 'z', 'old');
    let holds = true;
    cluster.network.filter = ({ message }) => !holds || message?.msgType !== eraftpb.MessageType.MsgHeartbeatResponse;
    const header = headerOf(before);
    const reads = [getCommand(header, 'z'), snapCommand(header)].map((command) => leader.store!.execute(command));
    const { newRegionId, newPeerIds } = cluster.scheduler.askSplit(before, 1);
    await cluster.execute(leader, splitCommand(header, Buffer.from('m'), newRegionId, newPeerIds));
    await cluster.until('the leader has split', () => regionsOn(leader).length === 2);
    holds = false;
    for (const read of reads) {
      const result = await cluster.run(read);
      expect(outline(errorOf(result)?.epochNotMatch?.currentRegions ?? [])).toEqual(['-2', 'm-2']);
      expect(result.snapshot).toBeUndefined();
    }
    await cluster.close();
  });
});
