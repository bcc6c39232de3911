import type { Mutant } from '../mutant.ts';

/** Bugs in splits, snapshots, membership and what is left of a peer. */
export const regionMutants: readonly Mutant[] = [
  {
    id: 'split-keeps-version',
    description: 'a split does not raise the version of the epoch',
    profile: 'regions',
    edits: [
      {
        module: 'raftstore/apply/split',
        find: 'version: epoch.version + requests.length',
        replace: 'version: epoch.version',
      },
    ],
  },
  {
    id: 'split-with-stale-epoch',
    description: 'a split is applied although another one came before it',
    profile: 'regions',
    edits: [
      {
        module: 'raftstore/apply/region-applier',
        find: 'if (!isSameEpoch(epoch, epochOf(this.#region)))\n            return this.#refuse',
        replace: 'if (false)\n            return this.#refuse',
      },
      {
        module: 'raftstore/apply/split',
        find: 'if (!isSameEpoch(epoch, epochOf(region)))\n        return epochNotMatch([region]);',
        replace: '',
      },
    ],
  },
  {
    id: 'split-child-starts-too-early',
    description: 'a region that a split makes begins where its parent does',
    profile: 'regions',
    edits: [
      { module: 'raftstore/apply/split', find: 'startKey: request.splitKey,', replace: 'startKey: region.startKey,' },
    ],
  },
  {
    id: 'snapshot-over-old-data',
    description: 'a snapshot is taken in without deleting what was there before',
    profile: 'regions',
    edits: [
      {
        module: 'raftstore/region-worker/handler',
        find: 'await this.#deleteData(region.startKey, region.endKey);',
        replace: '',
      },
    ],
  },
  {
    id: 'snapshot-index-too-high',
    description: 'a snapshot claims an entry more than it holds',
    profile: 'upheaval',
    edits: [
      {
        module: 'raftstore/region-worker/handler',
        find: 'index: applied.appliedIndex,',
        replace: 'index: applied.appliedIndex + 1,',
      },
    ],
  },
  {
    id: 'snapshot-not-durable',
    description: 'a snapshot counts as taken in before its data are durable',
    profile: 'storm',
    edits: [
      {
        module: 'raftstore/region-worker/handler',
        find: 'await this.#engine.write(this.#engine.batch(), { sync: true });',
        replace: '',
      },
      {
        module: 'raftstore/apply/apply-worker',
        find: "this.#mustSync = true;\n        this.#results.push({ type: 'snapshotFinished', regionId });",
        replace: "this.#results.push({ type: 'snapshotFinished', regionId });",
      },
    ],
  },
  {
    id: 'log-collected-too-far',
    description: 'the collection of the log deletes one entry that is still needed',
    profile: 'regions',
    edits: [
      {
        module: 'raftstore/peer/peer-ticker',
        find: 'const task = { regionId: peer.regionId, startIndex: this.#collectedIndex, endIndex };',
        replace: 'const task = { regionId: peer.regionId, startIndex: this.#collectedIndex, endIndex: endIndex + 1 };',
      },
    ],
  },
  {
    id: 'removed-peer-comes-back',
    description: 'a peer that was removed leaves no tombstone, and is there again after a restart',
    profile: 'storm',
    edits: [
      {
        module: 'raftstore/apply/apply-worker',
        find: '{ state: raft_serverpb.PeerState.Tombstone, region }',
        replace: '{ state: raft_serverpb.PeerState.Normal, region }',
      },
    ],
  },
  {
    id: 'tombstone-ignored',
    description: 'a late message brings back a peer that was removed',
    profile: 'upheaval',
    edits: [
      {
        module: 'raftstore/store-worker/store-worker',
        find: 'message.isTombstone || this.#isForTombstone(message)',
        replace: 'message.isTombstone',
      },
    ],
  },
  {
    id: 'removed-id-used-again',
    description: 'a peer that is added to a store where one was removed gets the id of that one',
    profile: 'upheaval',
    edits: [
      {
        module: 'test-harness/nemesis/membership-chaos',
        find: 'scheduler.addPeer(region.id, { id: scheduler.allocId(),',
        replace:
          'const id = scheduler.removedIds?.get(region.id * 1_000_000 + node.storeId) ?? scheduler.allocId();\n        scheduler.addPeer(region.id, { id,',
      },
      {
        module: 'test-harness/nemesis/membership-chaos',
        find: 'scheduler.removePeer(region.id, peer);',
        replace:
          'scheduler.removedIds ??= new Map();\n        scheduler.removedIds.set(region.id * 1_000_000 + node.storeId, peer.id);\n        scheduler.removePeer(region.id, peer);',
      },
    ],
  },
  {
    id: 'conf-change-before-commit',
    description: 'a leader puts a change of membership in force when it is proposed',
    profile: 'upheaval',
    edits: [
      {
        module: 'raft/node/proposal',
        find: "    announce(raft);\n    return 'ok';",
        replace:
          "    announce(raft);\n    for (const { type, data } of admitted) {\n        const change = type === 'normal' || raft.tracker.membership.incoming.length < 3 ? undefined : decodeConfChange(type, data);\n        const changed = change === undefined ? '' : changeMembership(raft.tracker.membership, change);\n        if (typeof changed !== 'string')\n            raft.tracker.switchTo(changed.membership, changed.added, raft.log.lastIndex());\n    }\n    return 'ok';",
      },
    ],
  },
  {
    id: 'hibernation-never-ends',
    description: 'a region that sleeps is not woken by anything',
    profile: 'reads',
    edits: [
      {
        module: 'raftstore/hibernation/hibernation',
        find: 'wake(peer, isLeaderLost = false) {',
        replace: 'wake(peer, isLeaderLost = false) {\n        if (this.isAsleep)\n            return;',
      },
    ],
  },
];
