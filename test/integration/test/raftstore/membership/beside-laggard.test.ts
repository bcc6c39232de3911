import { metapb } from '@flotilla/protocol';
import { describe, expect, it } from 'vitest';
import { expectWhole, withLaggard } from '../laggard.ts';
import { newPeerOn } from './members.ts';

const { Learner, Voter } = metapb.PeerRole;

describe('a peer that is added while one of three needs a snapshot', () => {
  it('as a voter has to wait for it: two of four would be no quorum', async () => {
    const { cluster, laggard } = await withLaggard();
    const fourth = await cluster.addNode();
    const { id: regionId } = cluster.region;
    cluster.scheduler.addPeer(regionId, newPeerOn(cluster, fourth));
    await cluster.world.advance(10_000);
    expect(cluster.scheduler.isSettled(regionId)).toBe(false);
    expect(cluster.region.peers).toHaveLength(3);
    await cluster.put('meanwhile', '1');
    cluster.network.heal();
    await cluster.until('it is added', () => cluster.scheduler.isSettled(regionId));
    expect(cluster.region.peers.map(({ role }) => role)).toEqual([Voter, Voter, Voter, Voter]);
    expectWhole(cluster, laggard);
    await cluster.close();
  });

  it('as a learner comes at once, and is promoted when the two of three and it make a quorum of four', async () => {
    const { cluster, laggard } = await withLaggard();
    const fourth = await cluster.addNode();
    const { id: regionId } = cluster.region;
    const others = cluster.nodes.filter((node) => node !== laggard).map(({ storeId }) => storeId);
    cluster.network.partition([others]);
    const peer = newPeerOn(cluster, fourth, Learner);
    cluster.scheduler.order(regionId, { type: 'addLearner', peer }, { type: 'promoteLearner', peer });
    await cluster.until('it is a voter', () => cluster.scheduler.isSettled(regionId));
    expect(cluster.region.peers.map(({ role }) => role)).toEqual([Voter, Voter, Voter, Voter]);
    expectWhole(cluster, fourth);
    expect(cluster.valueOn(laggard, 'k59')).toBeUndefined();
    await cluster.close();
  });
});
