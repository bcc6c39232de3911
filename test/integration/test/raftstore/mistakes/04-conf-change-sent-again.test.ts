import { eraftpb } from '@flotilla/protocol';
import { changePeerCommand, changePeersCommand, errorOf, headerOf, TestCluster } from '@flotilla/test-harness';
import { describe, expect, it } from 'vitest';
import { addLearner, change, changes, confVerOn, followerOf, newPeerOn, peerOn } from '../membership/members.ts';

// Mistake 4: a duplicate conf change is re-sent until seen: it must neither bump conf_ver nor wedge later ones.
describe('a change of membership that is sent again', () => {
  it('while the first is under way, and after it was made, changes nothing, and later ones are made', async () => {
    const cluster = await TestCluster.start(3);
    const leader = await cluster.awaitLeader();
    const spare = await cluster.addNode();
    const peer = newPeerOn(cluster, spare);
    const before = confVerOn(cluster, leader);
    const command = changePeerCommand(headerOf(cluster.regionOn(leader)), changes.learner, peer);
    const together = await cluster.run(Promise.all([1, 2, 3].map(() => leader.store!.execute(command))));
    const errors = together.map(errorOf);
    expect(errors.filter((error) => error === undefined)).toHaveLength(1);
    expect(errors.filter((error) => error?.serverIsBusy?.reason.includes('under way'))).toHaveLength(2);
    for (let again = 0; again < 3; again += 1) {
      expect(errorOf(await cluster.execute(leader, command))?.epochNotMatch?.currentRegions).toHaveLength(1);
    }
    // As a scheduler that has heard of the new epoch, but sends the order once more.
    const current = changePeerCommand(headerOf(cluster.regionOn(leader)), changes.learner, peer);
    expect(errorOf(await cluster.execute(leader, current))?.invalidRequest?.reason).toContain('in that role');
    expect(confVerOn(cluster, leader)).toBe(before + 1);
    const log = cluster.statusOf(leader)!.lastIndex;
    for (let again = 0; again < 5; again += 1) await cluster.execute(leader, current);
    expect(cluster.statusOf(leader)!.lastIndex).toBe(log);
    await change(cluster, 'voter', peer);
    await change(cluster, 'remove', peer);
    expect(confVerOn(cluster, leader)).toBe(before + 3);
    await cluster.close();
  });

  it('to the next leader, when the first did not live to answer, is made once', async () => {
    const cluster = await TestCluster.start(3);
    const leader = await cluster.awaitLeader();
    const spare = await cluster.addNode();
    const peer = newPeerOn(cluster, spare);
    const before = confVerOn(cluster, leader);
    const command = changePeerCommand(headerOf(cluster.regionOn(leader)), changes.learner, peer);
    void leader.store!.execute(command);
    let isSent = false;
    cluster.network.filter = ({ message }) => {
      isSent ||= message?.entries.some(({ entryType }) => entryType === eraftpb.EntryType.EntryConfChange) === true;
      return true;
    };
    await cluster.until('the others have the entry', () => isSent);
    await cluster.world.advance(1);
    cluster.crash(leader);
    const next = await cluster.awaitLeader(leader);
    // Before it has applied what it inherited it cannot tell whether the change was made.
    for (let again = 0; again < 10; again += 1) {
      await cluster.execute(next, command);
      await cluster.world.advance(20);
    }
    await cluster.until('it was made', () => confVerOn(cluster, next) > before);
    expect(confVerOn(cluster, next)).toBe(before + 1);
    await change(cluster, 'remove', peer);
    expect(confVerOn(cluster, next)).toBe(before + 2);
    await cluster.close();
  });

  it('may be a joint one, and an order to leave it', async () => {
    const cluster = await TestCluster.start(3);
    const leader = await cluster.awaitLeader();
    const spare = await cluster.addNode();
    const learner = await addLearner(cluster, spare);
    const before = confVerOn(cluster, leader);
    const old = followerOf(cluster);
    const command = changePeersCommand(headerOf(cluster.regionOn(leader)), [
      [changes.voter, learner],
      [changes.learner, peerOn(cluster, old)],
    ]);
    const results = await cluster.run(Promise.all([1, 2, 3].map(() => leader.store!.execute(command))));
    expect(results.filter((result) => errorOf(result) === undefined)).toHaveLength(1);
    for (let again = 0; again < 10; again += 1) {
      const leave = changePeersCommand(headerOf(cluster.regionOn(leader)), []);
      await cluster.execute(leader, command);
      await cluster.execute(leader, leave);
    }
    await cluster.until('it is left', () => confVerOn(cluster, leader) === before + 4);
    await cluster.execute(leader, changePeersCommand(headerOf(cluster.regionOn(leader)), []));
    await cluster.world.advance(500);
    expect(confVerOn(cluster, leader)).toBe(before + 4);
    await change(cluster, 'remove', peerOn(cluster, old));
    await cluster.close();
  });
});
