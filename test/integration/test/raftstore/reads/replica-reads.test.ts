import { eraftpb, type raft_cmdpb } from '@flotilla/protocol';
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

const { MessageType } = eraftpb;

function replicaGet(cluster: TestCluster, node: TestNode, key: string): raft_cmdpb.RaftCmdRequest {
  return getCommand({ ...headerOf(cluster.regionOn(node)), replicaRead: true }, key);
}

async function readOn(cluster: TestCluster, node: TestNode, key: string): Promise<string | undefined> {
  const { response } = await cluster.execute(node, replicaGet(cluster, node, key));
  expect(response.header?.error).toBeUndefined();
  const value = response.responses[0]?.get?.value;
  return value === undefined ? undefined : Buffer.from(value).toString();
}

async function started(): Promise<{ cluster: TestCluster; leader: TestNode; followers: TestNode[] }> {
  const cluster = await TestCluster.start(3);
  await cluster.put('k', '0');
  const leader = await cluster.awaitLeader();
  const followers = cluster.nodes.filter((node) => node !== leader);
  await cluster.until('the followers know', () =>
    followers.every((node) => cluster.statusOf(node)?.leader?.storeId === leader.storeId),
  );
  return { cluster, leader, followers };
}

describe('a read on a follower', () => {
  it('sees every write that was acknowledged before it, and takes no round for each', async () => {
    const { cluster, leader, followers } = await started();
    for (let number = 1; number <= 20; number += 1) {
      await cluster.put('k', String(number));
      for (const node of [leader, ...followers]) expect(await readOn(cluster, node, 'k')).toBe(String(number));
    }
    let requests = 0;
    cluster.network.filter = ({ message }) => {
      if (message?.msgType === MessageType.MsgReadIndex) requests += 1;
      return true;
    };
    const [follower] = followers;
    const reads = Array.from({ length: 50 }, () => follower!.store!.execute(replicaGet(cluster, follower!, 'k')));
    for (const { response } of await cluster.run(Promise.all(reads))) expect(response.header?.error).toBeUndefined();
    expect(requests).toBe(1);
    await cluster.close();
  });

  it('waits until the follower has applied as much, and runs again when a message was lost', async () => {
    const { cluster, leader, followers } = await started();
    const [slow, other] = followers as [TestNode, TestNode];
    cluster.network.filter = ({ message, toPeer }) =>
      toPeer?.storeId !== slow.storeId || message?.msgType !== MessageType.MsgAppend;
    await cluster.put('k', 'new');
    let answer: string | undefined;
    void slow.store!.execute(replicaGet(cluster, slow, 'k')).then(({ response }) => {
      answer = Buffer.from(response.responses[0]?.get?.value ?? []).toString();
    });
    await cluster.world.advance(200);
    expect(answer).toBeUndefined();
    cluster.network.filter = () => true;
    await cluster.until('the read', () => answer !== undefined);
    expect(answer).toBe('new');
    let lost = 0;
    cluster.network.filter = ({ message }) => {
      if (message?.msgType !== MessageType.MsgReadIndexResponse || lost >= 2) return true;
      lost += 1;
      return false;
    };
    expect(await readOn(cluster, other, 'k')).toBe('new');
    expect(lost).toBe(2);
    expect(cluster.leader()).toBe(leader);
    await cluster.close();
  });

  it('is refused by name where no leader is known, or the follower is cut off; writes and plain reads are refused as ever', async () => {
    const { cluster, leader, followers } = await started();
    const [follower] = followers as [TestNode];
    const header = { ...headerOf(cluster.regionOn(follower)), replicaRead: true };
    const write = errorOf(await cluster.execute(follower, putCommand(header, 'k', 'x')));
    expect(write?.notLeader?.leader?.storeId).toBe(leader.storeId);
    const plain = getCommand(headerOf(cluster.regionOn(follower)), 'k');
    expect(errorOf(await cluster.execute(follower, plain))?.notLeader).toBeDefined();
    cluster.network.partition([[follower.storeId]]);
    const cutOff = errorOf(await cluster.execute(follower, replicaGet(cluster, follower, 'k')));
    expect(cutOff?.notLeader ?? cutOff?.serverIsBusy).toBeDefined();
    await cluster.world.advance(5_000);
    const alone = errorOf(await cluster.execute(follower, replicaGet(cluster, follower, 'k')));
    expect(alone?.notLeader).toBeDefined();
    expect(alone?.notLeader?.leader).toBeUndefined();
    await cluster.close();
  });

  it('checks epoch, key and peer when it runs, against the region as the follower has it', async () => {
    const { cluster, followers } = await started();
    const [follower] = followers as [TestNode];
    const region = cluster.regionOn(follower);
    const { confVer = 0, version = 0 } = region.regionEpoch ?? {};
    const header = { ...headerOf(region), regionEpoch: { confVer, version: version + 1 }, replicaRead: true };
    const error = errorOf(await cluster.execute(follower, getCommand(header, 'k')));
    expect(error?.epochNotMatch?.currentRegions[0]?.id).toBe(region.id);
    const wrongPeer = { ...headerOf(region, { id: 999, storeId: follower.storeId, role: 0 }), replicaRead: true };
    expect(errorOf(await cluster.execute(follower, getCommand(wrongPeer, 'k')))?.invalidRequest).toBeDefined();
    await cluster.close();
  });

  it('takes a snapshot of the region too', async () => {
    const { cluster, followers } = await started();
    const [follower] = followers as [TestNode];
    await cluster.put('k', 'seen');
    const header = { ...headerOf(cluster.regionOn(follower)), replicaRead: true };
    const { snapshot } = await cluster.execute(follower, snapCommand(header));
    await cluster.put('k', 'not seen');
    await cluster.put('later', 'not seen');
    const pairs = await cluster.run(snapshot!.scan('default', new Uint8Array(0), 10, 1_000));
    expect(pairs.map(({ value }) => Buffer.from(value).toString())).toEqual(['seen']);
    await snapshot!.close();
    await cluster.close();
  });
});
