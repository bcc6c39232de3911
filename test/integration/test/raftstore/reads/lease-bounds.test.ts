import { eraftpb, type raft_serverpb } from '@flotilla/protocol';
import {
  errorOf,
  getCommand,
  headerOf,
  snapCommand,
  TestCluster,
  type TestNode,
  transferLeaderCommand,
} from '@flotilla/test-harness';
import { describe, expect, it } from 'vitest';

const { MessageType } = eraftpb;

/** What the lease is with the test configuration: nine ticks of 50 ms, less ten percent. */
const leaseMs = 405;

async function started(): Promise<{ cluster: TestCluster; leader: TestNode; followers: [TestNode, TestNode] }> {
  const cluster = await TestCluster.start(3, { config: { leaseReads: true } });
  await cluster.put('k', 'old');
  await cluster.world.advance(1_000);
  const leader = await cluster.awaitLeader();
  const [one, two] = cluster.nodes.filter((node) => node !== leader);
  return { cluster, leader, followers: [one!, two!] };
}

/** The outcome of a read that is given no more than a millisecond, in which no message could come back. */
async function readAtOnce(cluster: TestCluster, node: TestNode, isReplica = false): Promise<string> {
  let outcome = 'waits';
  const header = { ...headerOf(cluster.regionOn(node)), replicaRead: isReplica };
  void node.store!.execute(getCommand(header, 'k')).then((result) => {
    const value = result.response.responses[0]?.get?.value;
    outcome = errorOf(result) === undefined ? Buffer.from(value ?? []).toString() : 'refused';
  });
  await cluster.world.advance(1);
  return outcome;
}

describe('a lease', () => {
  it('answers reads without a message, and ends by the clock when nobody answers any more', async () => {
    const { cluster, leader } = await started();
    let messages = 0;
    cluster.network.filter = () => {
      messages += 1;
      return true;
    };
    const before = messages;
    expect(await readAtOnce(cluster, leader)).toBe('old');
    expect(messages - before).toBeLessThanOrEqual(2);
    cluster.network.partition([[leader.storeId]]);
    expect(await readAtOnce(cluster, leader)).toBe('old');
    await cluster.world.advance(leaseMs + 5);
    expect(cluster.statusOf(leader)?.leader?.storeId).toBe(leader.storeId);
    expect(await readAtOnce(cluster, leader)).toBe('waits');
    await cluster.close();
  });

  it("spares a follower's read the round of heartbeats", async () => {
    const { cluster, leader, followers } = await started();
    const seen = new Map<eraftpb.MessageType, number>();
    cluster.network.filter = ({ message }, from) => {
      const type = message?.msgType ?? MessageType.MsgHup;
      if (from === leader.storeId || type === MessageType.MsgReadIndex) seen.set(type, (seen.get(type) ?? 0) + 1);
      return type !== MessageType.MsgHeartbeat && type !== MessageType.MsgHeartbeatResponse;
    };
    expect(await readAtOnce(cluster, followers[0], true)).toBe('waits');
    await cluster.world.advance(2);
    expect(seen.get(MessageType.MsgReadIndex)).toBe(1);
    expect(seen.get(MessageType.MsgReadIndexResponse)).toBe(1);
    await cluster.close();
  });

  it('is over when the process was paused for longer', async () => {
    const { cluster, leader } = await started();
    cluster.network.partition([[leader.storeId]]);
    leader.runtime.pause();
    await cluster.world.advance(leaseMs + 5);
    leader.runtime.resume();
    expect(await readAtOnce(cluster, leader)).toBe('waits');
    await cluster.close();
  });

  it('does not begin before an entry of the term is committed', async () => {
    const { cluster, leader, followers } = await started();
    // The next leader hears answers to its heartbeats, and none to its appends.
    cluster.network.filter = ({ message }) => message?.msgType !== MessageType.MsgAppendResponse;
    cluster.crash(leader);
    await cluster.until('another leads', () => followers.includes(cluster.leader()!));
    const next = cluster.leader()!;
    await cluster.world.advance(600);
    expect(cluster.statusOf(next)?.leader?.storeId).toBe(next.storeId);
    expect(await readAtOnce(cluster, next)).toBe('waits');
    cluster.network.filter = () => true;
    await cluster.until(
      'it has committed',
      () => (cluster.statusOf(next)?.commitIndex ?? 0) === (cluster.statusOf(next)?.lastIndex ?? 1),
    );
    await cluster.world.advance(300);
    expect(await readAtOnce(cluster, next)).toBe('old');
    await cluster.close();
  });

  it('is given up for the rest of the term once somebody was told to campaign', async () => {
    const { cluster, leader, followers } = await started();
    cluster.network.filter = ({ message }) => message?.msgType !== MessageType.MsgTimeoutNow;
    const region = cluster.regionOn(leader);
    const target = region.peers.find((peer) => peer.storeId === followers[0].storeId)!;
    expect(errorOf(await cluster.execute(leader, transferLeaderCommand(headerOf(region), target)))).toBeUndefined();
    expect(await readAtOnce(cluster, leader)).toBe('waits');
    // The transfer is given up after an election timeout; the lost order to campaign may still come.
    await cluster.world.advance(2_000);
    expect(cluster.leader()).toBe(leader);
    expect(await readAtOnce(cluster, leader)).toBe('waits');
    expect(await cluster.get('k')).toBe('old');
    await cluster.close();
  });

  it('holds although a voter that promised silence is restarted and has forgotten it', async () => {
    const { cluster, leader, followers } = await started();
    const [follower, rival] = followers;
    let campaign: raft_serverpb.RaftMessage | undefined;
    cluster.network.cut(leader.storeId, rival.storeId);
    cluster.network.cut(rival.storeId, leader.storeId);
    cluster.network.filter = (message, from) => {
      const isCampaign = message.message?.msgType === MessageType.MsgPreVote && from === rival.storeId;
      if (isCampaign && message.toPeer?.storeId === follower.storeId) campaign = message;
      return true;
    };
    await cluster.until('the rival campaigns', () => campaign !== undefined);
    // From here on the leader hears nobody, and its lease runs.
    cluster.network.partition([[leader.storeId], [follower.storeId, rival.storeId]]);
    const cutOffAtMs = cluster.world.nowMs;
    cluster.crash(follower);
    const store = await cluster.restart(follower);
    store.deliver(campaign!);
    await cluster.world.advance(200);
    expect(cluster.world.nowMs - cutOffAtMs).toBeLessThan(leaseMs - 200);
    expect(cluster.statusOf(rival)?.leader?.storeId).not.toBe(rival.storeId);
    expect(await readAtOnce(cluster, leader)).toBe('old');
    await cluster.until('they elect one in the end', () => followers.includes(cluster.leader()!));
    expect(cluster.world.nowMs - cutOffAtMs).toBeGreaterThan(leaseMs);
    await cluster.close();
  });
});

describe('without leases', () => {
  it('every read asks a quorum', async () => {
    const cluster = await TestCluster.start(3);
    await cluster.put('k', 'old');
    const leader = await cluster.awaitLeader();
    expect(await readAtOnce(cluster, leader)).toBe('waits');
    expect(errorOf(await cluster.execute(leader, snapCommand(headerOf(cluster.regionOn(leader)))))).toBeUndefined();
    await cluster.close();
  });
});
