import { metapb, raft_serverpb, WireError } from '@flotilla/protocol';

/** Sends a region through bytes and moves one of its peers. */
export function movePeer(bytes: Uint8Array, fromStoreId: number, toStoreId: number): Uint8Array {
  const { state, region } = raft_serverpb.RegionLocalState.decode(bytes);
  if (region === undefined) throw new WireError('a region state without a region');
  // Messages are plain readonly objects in which every field is present: spreading one loses nothing.
  const peers = region.peers.map((peer) => (peer.storeId === fromStoreId ? { ...peer, storeId: toStoreId } : peer));
  return raft_serverpb.RegionLocalState.encode({ state, region: { ...region, peers } });
}

/** A region with one peer on each store; fields that are not given have their defaults. */
export function regionOn(storeIds: readonly number[]): Uint8Array {
  const peers = storeIds.map((storeId) => metapb.Peer.create({ id: storeId + 10, storeId }));
  const region = metapb.Region.create({ id: 1, regionEpoch: { confVer: 1, version: 1 }, peers });
  return raft_serverpb.RegionLocalState.encode({ state: raft_serverpb.PeerState.Normal, region });
}
