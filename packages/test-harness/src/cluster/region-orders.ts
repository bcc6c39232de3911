import type { metapb } from '@flotilla/protocol';
import { assert } from '@flotilla/runtime';
import { errorOf, headerOf, splitCommand } from './command.ts';
import type { TestCluster, TestNode } from './test-cluster.ts';

/** What a test asks of regions, through the scheduler as an operator would. Each call runs the world until it is done. */
export class RegionOrders {
  readonly #cluster: TestCluster;

  constructor(cluster: TestCluster) {
    this.#cluster = cluster;
  }

  /** Adds a replica on `node`, and waits until it has caught up. */
  async addPeer(regionId: number, node: TestNode): Promise<metapb.Peer> {
    const { scheduler } = this.#cluster;
    const peer = { id: scheduler.allocId(), storeId: node.storeId, role: 0 } as const;
    scheduler.addPeer(regionId, peer);
    await this.settled(regionId);
    await this.#cluster.poll(
      `peer ${peer.id} knows its region`,
      () => this.#cluster.statusOf(node, regionId)?.region?.peers.length !== 0,
    );
    return peer;
  }

  /** Removes the replica on `node`. */
  async removePeer(regionId: number, node: TestNode): Promise<void> {
    this.#cluster.scheduler.removePeer(regionId, this.peerOn(regionId, node));
    await this.settled(regionId);
  }

  /** Hands leadership to the replica on `node`. */
  async transferLeader(regionId: number, node: TestNode): Promise<void> {
    this.#cluster.scheduler.transferLeader(regionId, this.peerOn(regionId, node));
    await this.settled(regionId);
  }

  /** Splits the region that holds `key` at it, and waits until the scheduler knows both halves. */
  async split(key: string): Promise<void> {
    const { scheduler } = this.#cluster;
    const splitKey = Buffer.from(key);
    const isDone = (): boolean => Buffer.compare(scheduler.mustRegion(splitKey).startKey, splitKey) === 0;
    for (let attempt = 0; attempt < 100 && !isDone(); attempt += 1) {
      const region = scheduler.mustRegion(splitKey);
      const leader = this.#cluster.leader(region.id);
      if (leader !== undefined) {
        const { newRegionId, newPeerIds } = scheduler.askSplit(region, 1);
        const header = headerOf(this.#cluster.statusOf(leader, region.id)?.region ?? region);
        const result = await this.#cluster.execute(leader, splitCommand(header, splitKey, newRegionId, newPeerIds));
        const isRefused = errorOf(result) !== undefined;
        if (!isRefused) await this.#cluster.poll(`the split at ${key} is known`, isDone);
      }
      await this.#cluster.sleep(100);
    }
    assert(isDone(), 'the region was never split', { key });
  }

  /** Waits until every order of a region is done. */
  async settled(regionId: number, limitMs = 60_000): Promise<void> {
    const { scheduler } = this.#cluster;
    await this.#cluster.poll(`orders of region ${regionId}`, () => scheduler.isSettled(regionId), limitMs);
  }

  /** The peer of a region on a node, as the scheduler knows it. */
  peerOn(regionId: number, node: TestNode): metapb.Peer {
    const peer = this.#cluster.scheduler.mustRegionById(regionId).peers.find((one) => one.storeId === node.storeId);
    assert(peer !== undefined, 'the node has a peer of the region', { regionId, node: node.name });
    return peer;
  }
}
