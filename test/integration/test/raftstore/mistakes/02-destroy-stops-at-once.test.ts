import { logEntryKey, raftStateKey, readRegionState } from '@flotilla/engine';
import { eraftpb, metapb, raft_serverpb } from '@flotilla/protocol';
import { changePeerCommand, errorOf, headerOf, putCommand, TestCluster, type TestNode } from '@flotilla/test-harness';
import { describe, expect, it } from 'vitest';
import { addLearner, change, changes, followerOf, newPeerOn, peerOn, stateOnDisk } from '../membership/members.ts';
import { awaitRegions, putKey, regionsOn, splitAt } from '../split-cluster.ts';

const { Tombstone } = raft_serverpb.PeerState;

/** Whether a node's raft database has anything of the first region. */
function hasLog(cluster: TestCluster, node: TestNode): boolean {
  const { id } = cluster.region;
  if (node.raftEngine.getSync(raftStateKey(id)) !== undefined) return true;
  return Array.from({ length: 60 }, (_, index) => index).some(
    (index) => node.raftEngine.getSync(logEntryKey(id, index)) !== undefined,
  );
}

// Mistake 2: destroy in the middle of a Ready: stop at once, write nothing after it. A tombstone keeps the final epoch;
// re-adding a store needs a new, larger peer id. Uninitialised peers are not in the range tree: don't delete there.
describe('a peer that is destroyed', () => {
  it('by an entry in the middle of what is committed writes nothing of what follows', async () => {
    const cluster = await TestCluster.start(3);
    await cluster.put('k', 'v');
    const leader = await cluster.awaitLeader();
    const follower = followerOf(cluster);
    const header = headerOf(cluster.regionOn(leader));
    let carried = 0;
    cluster.network.filter = ({ message, toPeer }) => {
      const position = message?.entries.findIndex(({ entryType }) => entryType !== eraftpb.EntryType.EntryNormal) ?? -1;
      if (toPeer?.storeId === follower.storeId && position >= 0) carried = message!.entries.length - 1 - position;
      return true;
    };
    const removal = changePeerCommand(header, changes.remove, peerOn(cluster, follower));
    const commands = [removal, ...[1, 2, 3].map((number) => putCommand(header, `after ${number}`, 'v'))];
    const results = await cluster.run(Promise.all(commands.map((command) => leader.store!.execute(command))));
    expect(results.map(errorOf)).toEqual([undefined, undefined, undefined, undefined]);
    await cluster.until('the peer is gone', () => follower.store!.status().length === 0);
    // The entries behind the removal were in its log, and committed.
    expect(carried).toBeGreaterThan(0);
    await cluster.world.advance(500);
    expect([1, 2, 3].map((number) => cluster.valueOn(follower, `after ${number}`))).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
    expect(hasLog(cluster, follower)).toBe(false);
    expect(stateOnDisk(cluster, follower)?.state).toBe(Tombstone);
    cluster.crash(follower);
    await cluster.restart(follower);
    expect(follower.store!.status()).toEqual([]);
    expect(hasLog(cluster, follower)).toBe(false);
    await cluster.close();
  });

  it('keeps its final epoch, and nothing from before brings it back', async () => {
    const cluster = await TestCluster.start(3);
    await cluster.put('k', 'v');
    const leader = await cluster.awaitLeader();
    const follower = followerOf(cluster);
    const gone = peerOn(cluster, follower);
    const said: raft_serverpb.RaftMessage[] = [];
    cluster.network.filter = (message) => {
      if (message.toPeer?.id === gone.id) said.push(message);
      return true;
    };
    await cluster.put('k', 'w');
    await cluster.world.advance(500);
    const region = await change(cluster, 'remove', gone);
    await cluster.until('the peer is gone', () => follower.store!.status().length === 0);
    expect(stateOnDisk(cluster, follower)?.region?.regionEpoch).toEqual(region.regionEpoch);
    // All that was ever said to it, and a call for votes and a first heartbeat from that time.
    const { MsgHeartbeat, MsgRequestVote } = eraftpb.MessageType;
    const first = said[0]!;
    const late = [MsgHeartbeat, MsgRequestVote].map((msgType) => ({
      ...first,
      message: eraftpb.Message.create({ msgType, from: first.fromPeer!.id, to: gone.id, term: 99, commit: 0 }),
    }));
    for (const message of [...said, ...late]) follower.store!.deliver(message);
    await cluster.world.advance(1_000);
    expect(follower.store!.status()).toEqual([]);
    cluster.crash(follower);
    await cluster.restart(follower);
    for (const message of [...said, ...late]) follower.store!.deliver(message);
    await cluster.world.advance(1_000);
    expect(follower.store!.status()).toEqual([]);
    // A new, larger id may come to the store.
    const next = await addLearner(cluster, follower);
    expect(next.id).toBeGreaterThan(gone.id);
    expect(cluster.leader()).toBe(leader);
    await cluster.close();
  });

  it('gives way to a peer with a larger id, and never to one with a smaller', async () => {
    const cluster = await TestCluster.start(3);
    await cluster.put('k', 'v');
    const leader = await cluster.awaitLeader();
    const follower = followerOf(cluster);
    const peer = peerOn(cluster, follower);
    const { MsgHeartbeat } = eraftpb.MessageType;
    const call = (id: number) =>
      raft_serverpb.RaftMessage.create({
        regionId: cluster.region.id,
        fromPeer: peerOn(cluster, leader),
        toPeer: { ...peer, id },
        regionEpoch: cluster.regionOn(leader).regionEpoch,
        message: eraftpb.Message.create({ msgType: MsgHeartbeat, from: peerOn(cluster, leader).id, to: id, term: 9 }),
      });
    follower.store!.deliver(call(peer.id - 1));
    await cluster.world.advance(200);
    expect(cluster.statusOf(follower)?.peer?.id).toBe(peer.id);
    // The larger one comes as it would in earnest: the region has it.
    cluster.network.partition([cluster.nodes.filter((node) => node !== follower).map((node) => node.storeId)]);
    await change(cluster, 'remove', peer);
    const next = newPeerOn(cluster, follower);
    await change(cluster, 'learner', next);
    cluster.network.heal();
    await cluster.until('the larger is there and has all', () => {
      const status = cluster.statusOf(follower);
      return status?.peer?.id === next.id && status.region?.peers.length === 3;
    });
    expect(cluster.valueOn(follower, 'k')).toBe('v');
    await cluster.close();
  });

  it('before it knew its range takes no range away from another', async () => {
    const cluster = await TestCluster.start(3);
    await putKey(cluster, 'a', '1');
    await putKey(cluster, 'z', '1');
    const parts = await splitAt(cluster, 'm');
    await awaitRegions(cluster, 2);
    const spare = await cluster.addNode();
    // The right part is there; of the left one only a peer that hears heartbeats.
    const right = newPeerOn(cluster, spare, metapb.PeerRole.Voter);
    cluster.scheduler.addPeer(parts[1]!.id, right);
    await cluster.until('the right part is there', () => regionsOn(spare).length === 1);
    cluster.network.filter = ({ message, regionId, toPeer }) =>
      toPeer?.storeId !== spare.storeId ||
      regionId !== parts[0]!.id ||
      message === undefined ||
      message.msgType === eraftpb.MessageType.MsgHeartbeat;
    const left = newPeerOn(cluster, spare, metapb.PeerRole.Learner);
    await change(cluster, 'learner', left);
    await cluster.until('it is there', () => spare.store!.status().length === 2);
    expect(regionsOn(spare)).toHaveLength(1);
    await change(cluster, 'remove', left);
    await cluster.until('it is gone', () => spare.store!.status().length === 1);
    expect(readRegionState(spare.kvEngine, parts[0]!.id)?.state).toBe(Tombstone);
    await putKey(cluster, 'z', '2');
    await cluster.until('the right part goes on', () => cluster.valueOn(spare, 'z') === '2');
    cluster.network.filter = () => true;
    await addLearner(cluster, spare);
    await cluster.until('the left part is there', () => regionsOn(spare).length === 2);
    await cluster.close();
  });
});
