import { metapb } from '@flotilla/protocol';
import { compareKeys, epochOf, isStrictlyWithin, type OperatorStep, SchedulerError } from '@flotilla/scheduler-client';
import type { RegionView } from './region-registry.ts';
import { additionOf, canTakeReplica, removalOf } from './replica-checker.ts';
import type { StoreView } from './store-registry.ts';

/** One of a region's peers, by its store or by its own id. */
export type PeerSelector = { readonly storeId: number } | { readonly peerId: number };

/** What a person wants done to a region. */
export type RegionOrder =
  | { readonly type: 'addPeer'; readonly storeId: number }
  | { readonly type: 'removePeer'; readonly peer: PeerSelector }
  /** Adds a replica on one store and then removes the one on another. */
  | { readonly type: 'movePeer'; readonly peer: PeerSelector; readonly storeId: number }
  | { readonly type: 'transferLeader'; readonly peer: PeerSelector }
  /** No keys: in the middle. */
  | { readonly type: 'splitRegion'; readonly keys: readonly Uint8Array[] };

/** Whether an order concerns leadership only, which takes a moment. */
export function movesLeaderOnly(order: RegionOrder): boolean {
  return order.type === 'transferLeader';
}

/** Whether an order needs an id for a new peer. */
export function addsPeer(order: RegionOrder): boolean {
  return order.type === 'addPeer' || order.type === 'movePeer';
}

/** Finds a store by its id. */
export type FindStore = (storeId: number) => StoreView | undefined;

/**
 * The steps of an order, checked against what is known of the region and the stores.
 *
 * @throws {SchedulerError} with code `impossible` that tells what is in the way.
 */
export function planOrder(order: RegionOrder, view: RegionView, find: FindStore, newPeerId: number): OperatorStep[] {
  switch (order.type) {
    case 'addPeer':
      return additionOf(newPeer(order.storeId, view, find, newPeerId));
    case 'removePeer': {
      const peer = selectPeer(order.peer, view);
      refuseLastVoter(peer, view);
      return removalOf(peer);
    }
    case 'movePeer': {
      const peer = selectPeer(order.peer, view);
      return [...additionOf(newPeer(order.storeId, view, find, newPeerId)), ...removalOf(peer)];
    }
    case 'transferLeader':
      return [{ type: 'transferLeader', peer: heir(order.peer, view, find) }];
    case 'splitRegion':
      checkSplitKeys(order.keys, view);
      return [{ type: 'splitRegion', keys: order.keys, version: epochOf(view.region).version }];
  }
}

function newPeer(storeId: number, { region }: RegionView, find: FindStore, id: number): metapb.Peer {
  const rival = region.peers.find((peer) => peer.storeId === storeId);
  if (rival !== undefined) throw impossible(`store ${storeId} already has peer ${rival.id} of region ${region.id}`);
  refuseSilentStore(storeId, find);
  return metapb.Peer.create({ id, storeId });
}

function heir(selector: PeerSelector, view: RegionView, find: FindStore): metapb.Peer {
  const peer = selectPeer(selector, view);
  const name = `peer ${peer.id} on store ${peer.storeId}`;
  if (peer.id === view.leader?.id) throw impossible(`${name} leads region ${view.region.id} already`);
  if (peer.role === metapb.PeerRole.Learner) throw impossible(`${name} is a learner, which cannot lead`);
  if (view.pendingPeers.some(({ id }) => id === peer.id)) throw impossible(`${name} has not caught up yet`);
  if (view.downPeers.some((down) => down.peer?.id === peer.id)) throw impossible(`${name} does not answer its leader`);
  refuseSilentStore(peer.storeId, find);
  return peer;
}

function selectPeer(selector: PeerSelector, { region }: RegionView): metapb.Peer {
  const isIt = (peer: metapb.Peer): boolean =>
    'storeId' in selector ? peer.storeId === selector.storeId : peer.id === selector.peerId;
  const peer = region.peers.find(isIt);
  if (peer !== undefined) return peer;
  const members = region.peers.map(({ id, storeId }) => `peer ${id} on store ${storeId}`).join(', ');
  throw impossible(
    'storeId' in selector
      ? `store ${selector.storeId} has no peer of region ${region.id}, which has ${members}`
      : `region ${region.id} has no peer ${selector.peerId}; it has ${members}`,
  );
}

function refuseLastVoter(peer: metapb.Peer, { region }: RegionView): void {
  const remaining = region.peers.filter(({ id, role }) => id !== peer.id && role === metapb.PeerRole.Voter);
  if (remaining.length > 0) return;
  throw impossible(`peer ${peer.id} on store ${peer.storeId} is the last replica of region ${region.id}`);
}

function refuseSilentStore(storeId: number, find: FindStore): void {
  const view = find(storeId);
  if (view === undefined) throw impossible(`there is no store ${storeId}`);
  if (canTakeReplica(view)) return;
  const { Offline, Tombstone } = metapb.StoreState;
  if (view.store.state === Tombstone) throw impossible(`store ${storeId} was removed from the cluster`);
  if (view.store.state === Offline) throw impossible(`store ${storeId} is leaving the cluster`);
  throw impossible(
    view.silentMs === undefined
      ? `store ${storeId} has not been heard of since the scheduler started`
      : `store ${storeId} is ${view.liveness}: it was last heard of ${Math.round(view.silentMs / 1000)} s ago`,
  );
}

function checkSplitKeys(keys: readonly Uint8Array[], { region }: RegionView): void {
  for (const [position, key] of keys.entries()) {
    if (!isStrictlyWithin(key, region)) {
      throw impossible(`keys[${position}] is not within region ${region.id}, or is its first key`);
    }
    const previous = keys[position - 1];
    if (previous !== undefined && compareKeys(previous, key) >= 0) {
      throw new SchedulerError('invalidArgument', `keys[${position}]: keys must be distinct and in order`);
    }
  }
}

function impossible(message: string): SchedulerError {
  return new SchedulerError('impossible', message);
}
