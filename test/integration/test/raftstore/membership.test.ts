import { eraftpb } from '@flotilla/protocol';
import {
  changePeerCommand,
  errorOf,
  headerOf,
  TestCluster,
  type TestNode,
  transferLeaderCommand,
} from '@flotilla/test-harness';
import { describe, expect, it } from 'vitest';

const { AddNode, RemoveNode } = eraftpb.ConfChangeType;

function peerOn(cluster: TestCluster, node: TestNode) {
  const peer = cluster.region.peers.find((one) => one.storeId === node.storeId);
  if (peer === undefined) throw new Error('no peer on that store');
  return peer;
}

async function removePeer(cluster: TestCluster, node: TestNode): Promise<void> {
  cluster.scheduler.removePeer(cluster.region.id, peerOn(cluster, node));
  await cluster.until('the peer is removed', () => cluster.scheduler.isSettled(cluster.region.id));
}

describe('membership', () => {
  it('adds a peer, which gets everything, and removes one, which keeps nothing', async () => {
    const cluster = await TestCluster.start(3);
    await cluster.put('k', 'v');
    const leader = await cluster.awaitLeader();
    const follower = cluster.nodes.find((node) => node !== leader)!;
    const regionId = cluster.region.id;
    await removePeer(cluster, follower);
    await cluster.until('its data are gone', () => cluster.valueOn(follower, 'k') === undefined);
    await cluster.until('its peer is gone', () => follower.store!.status().length === 0);
    expect(cluster.region.peers).toHaveLength(2);
    await cluster.put('k2', 'v2');
    await cluster.addPeer(follower);
    await cluster.until('it has all again', () => cluster.valueOn(follower, 'k2') === 'v2');
    expect(cluster.valueOn(follower, 'k')).toBe('v');
    expect(follower.store!.status().map((status) => status.region?.id)).toEqual([regionId]);
    await cluster.close();
  });

  it('removes the leader: it hands leadership over first', async () => {
    const cluster = await TestCluster.start(3);
    await cluster.put('k', 'v');
    const leader = await cluster.awaitLeader();
    await removePeer(cluster, leader);
    expect(await cluster.get('k')).toBe('v');
    await cluster.until('its peer is gone', () => leader.store!.status().length === 0);
    await cluster.close();
  });

  it('removes the leader of two, and either is left alone and whole', async () => {
    const cluster = await TestCluster.start(2);
    await cluster.put('k', 'v');
    const leader = await cluster.awaitLeader();
    await removePeer(cluster, leader);
    await cluster.put('k2', 'v2');
    expect(await cluster.get('k')).toBe('v');
    await cluster.until('its peer is gone', () => leader.store!.status().length === 0);
    await cluster.close();
  });

  it('removes the follower of two, which is told so when it asks for votes', async () => {
    const cluster = await TestCluster.start(2);
    const leader = await cluster.awaitLeader();
    const follower = cluster.nodes.find((node) => node !== leader)!;
    const peer = peerOn(cluster, follower);
    let removalIndex = Number.POSITIVE_INFINITY;
    let lost = 0;
    let tells = 0;
    let hasAsked = false;
    // The follower gets the entry that removes it; that it is no member it hears only when it asks for votes.
    cluster.network.filter = ({ message, isTombstone }, from) => {
      if (from !== leader.storeId) {
        const kind = message?.msgType;
        hasAsked ||= kind === eraftpb.MessageType.MsgRequestVote || kind === eraftpb.MessageType.MsgPreVote;
        return true;
      }
      if (isTombstone && !hasAsked) lost += 1;
      if (isTombstone) return hasAsked;
      const removal = message?.entries.find((entry) => entry.entryType === eraftpb.EntryType.EntryConfChange);
      removalIndex = removal?.index ?? removalIndex;
      tells += (message?.commit ?? 0) >= removalIndex ? 1 : 0;
      return true;
    };
    cluster.scheduler.removePeer(cluster.region.id, peer);
    await cluster.until('the follower is destroyed', () => follower.store!.status().length === 0);
    expect(lost).toBeGreaterThan(0);
    // It could not be elected without the follower, had it told and ended before it applied the removal.
    expect(tells).toBe(0);
    await cluster.put('k', 'v');
    await cluster.close();
  });

  it('destroys a peer that missed its removal', async () => {
    const cluster = await TestCluster.start(3);
    await cluster.put('k', 'v');
    const leader = await cluster.awaitLeader();
    const follower = cluster.nodes.find((node) => node !== leader)!;
    cluster.crash(follower);
    await removePeer(cluster, follower);
    await cluster.restart(follower);
    expect(follower.store!.status()).toHaveLength(1);
    await cluster.until('it is gone', () => follower.store!.status().length === 0);
    await cluster.until('its data are gone', () => cluster.valueOn(follower, 'k') === undefined);
    cluster.crash(follower);
    await cluster.restart(follower);
    expect(follower.store!.status()).toHaveLength(0);
    await cluster.world.advance(5_000);
    expect(follower.store!.status()).toHaveLength(0);
    await cluster.close();
  });

  it('refuses to add twice, to remove the last, and an epoch that is old', async () => {
    const cluster = await TestCluster.start(1);
    const node = await cluster.awaitLeader();
    const region = cluster.regionOn(node);
    const self = region.peers[0]!;
    const header = headerOf(region);
    const again = await cluster.execute(node, changePeerCommand(header, AddNode, self));
    expect(errorOf(again)?.invalidRequest?.field).toBe('adminRequest.changePeer.peer');
    const last = await cluster.execute(node, changePeerCommand(header, RemoveNode, self));
    expect(errorOf(last)?.invalidRequest?.reason).toContain('the last');
    const other = await cluster.addNode();
    await cluster.addPeer(other);
    const old = await cluster.execute(node, changePeerCommand(header, RemoveNode, self));
    expect(errorOf(old)?.epochNotMatch?.currentRegions[0]?.peers).toHaveLength(2);
    await cluster.close();
  });

  it('is not reduced to peers of which too few are alive, but rid of the one that is dead', async () => {
    const cluster = await TestCluster.start(3);
    const leader = await cluster.awaitLeader();
    const [alive, dead] = cluster.nodes.filter((node) => node !== leader);
    const alivePeer = peerOn(cluster, alive!);
    const deadPeer = peerOn(cluster, dead!);
    cluster.crash(dead!);
    await cluster.world.advance(3_000);
    const header = headerOf(cluster.regionOn(leader));
    const refused = await cluster.execute(leader, changePeerCommand(header, RemoveNode, alivePeer));
    expect(errorOf(refused)?.serverIsBusy?.reason).toContain('too few');
    cluster.scheduler.removePeer(cluster.region.id, deadPeer);
    await cluster.until('the dead peer is removed', () => cluster.scheduler.isSettled(cluster.region.id));
    await cluster.put('k', 'v');
    await cluster.close();
  });

  it('replaces a peer by a newer one on the same store when the removal was missed', async () => {
    const cluster = await TestCluster.start(3);
    await cluster.put('k', 'v');
    const leader = await cluster.awaitLeader();
    const follower = cluster.nodes.find((node) => node !== leader)!;
    const before = peerOn(cluster, follower).id;
    cluster.network.partition([cluster.nodes.filter((node) => node !== follower).map((node) => node.storeId)]);
    await removePeer(cluster, follower);
    const next = { id: cluster.scheduler.allocId(), storeId: follower.storeId, role: 0 } as const;
    cluster.scheduler.addPeer(cluster.region.id, next);
    await cluster.world.advance(2_000);
    cluster.network.heal();
    await cluster.until('the newer peer serves', () => {
      const status = cluster.statusOf(follower);
      return status?.peer?.id === next.id && status.region?.peers.length === 3;
    });
    expect(next.id).toBeGreaterThan(before);
    expect(cluster.valueOn(follower, 'k')).toBe('v');
    await cluster.close();
  });
});

describe('leadership', () => {
  it('is transferred on request, and answered at once', async () => {
    const cluster = await TestCluster.start(3);
    await cluster.put('k', 'v');
    const leader = await cluster.awaitLeader();
    const target = cluster.nodes.find((node) => node !== leader)!;
    const command = transferLeaderCommand(headerOf(cluster.regionOn(leader)), peerOn(cluster, target));
    expect(errorOf(await cluster.execute(leader, command))).toBeUndefined();
    await cluster.until('the target leads', () => cluster.leader() === target);
    expect(await cluster.get('k')).toBe('v');
    await cluster.close();
  });

  it('is handed away by a store that is about to close', async () => {
    const cluster = await TestCluster.start(3);
    await cluster.put('k', 'v');
    const leader = await cluster.awaitLeader();
    await cluster.run(leader.store!.transferLeadershipAway(new AbortController().signal));
    expect(leader.store!.metrics().leaders).toBe(0);
    await cluster.stop(leader);
    await cluster.put('k2', 'v2');
    await cluster.close();
  });

  it('is announced', async () => {
    const cluster = await TestCluster.start(3);
    const leader = await cluster.awaitLeader();
    const target = cluster.nodes.find((node) => node !== leader)!;
    const seen: boolean[] = [];
    target.store!.leadershipChanges.subscribe((changes) => seen.push(...changes.map((change) => change.isLocal)));
    cluster.scheduler.transferLeader(cluster.region.id, peerOn(cluster, target));
    await cluster.until('the target leads', () => cluster.leader() === target);
    await cluster.world.advance(100);
    expect(seen.at(-1)).toBe(true);
    await cluster.close();
  });
});
