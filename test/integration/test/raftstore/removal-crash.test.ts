import { readRegionState } from '@flotilla/engine';
import { raft_serverpb } from '@flotilla/protocol';
import { TestCluster } from '@flotilla/test-harness';
import { describe, expect, it } from 'vitest';

describe('a store whose peer is removed', () => {
  it('starts again after a crash at any write, without the peer', async () => {
    for (let writes = 0; writes < 4; writes += 1) {
      const cluster = await TestCluster.start(3);
      await cluster.put('a', '1');
      await cluster.world.advance(200);
      const leader = await cluster.awaitLeader();
      const node = cluster.nodes.find((other) => other !== leader)!;
      const { id } = cluster.region;
      let left = writes;
      node.kvDisk.faults = {
        write: () => {
          left -= 1;
          return left < 0 ? 'engineIo' : undefined;
        },
      };
      cluster.scheduler.removePeer(id, cluster.orders.peerOn(id, node));
      await cluster.world.runUntil(() => left < 0, 2_000);
      node.kvDisk.faults = {};
      cluster.crash(node, { keepsPageCache: true });
      await cluster.restart(node);
      await cluster.until('the peer is gone', () => (node.store?.status() ?? []).length === 0);
      expect(readRegionState(node.kvEngine, id)?.state).toBe(raft_serverpb.PeerState.Tombstone);
      await cluster.until('its data are gone', () => cluster.valueOn(node, 'a') === undefined);
      await cluster.orders.settled(id);
      await cluster.addPeer(node);
      await cluster.until('a newer peer has them', () => cluster.valueOn(node, 'a') === '1');
      await cluster.close();
    }
  });
});
