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
    id: 'split-child-starts-too-early',
    description: 'a region that a split makes begins where its parent does',
    profile: 'regions',
    edits: [
      { module: 'raftstore/apply/split', find: 'startKey: request.splitKey,', replace: 'startKey: region.startKey,' },
    ],
  },
  {
    id: 'split-forgets-votes',
    description: 'a vote that a new region was asked for before the split got here is forgotten, and given again',
    profile: 'regions',
    edits: [
      {
        module: 'raftstore/region-parts',
        find: 'const voted = existing?.storage.hardState;',
        replace: 'const voted = undefined;',
      },
      {
        module: 'raftstore/store-worker/store-worker',
        find: 'this.#options.regions.overlapping(startKey, endKey).length === 0',
        replace: 'true',
      },
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
    profile: 'regions',
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
    id: 'log-compacted-past-followers',
    description: 'compaction gives up the last applied entry too',
    profile: 'regions',
    edits: [
      {
        module: 'raftstore/peer/log-compaction',
        find: 'const index = Math.min(wanted, applied) - 1;',
        replace: 'const index = applied + 1;',
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
    profile: 'storm',
    edits: [
      {
        module: 'raftstore/store-worker/store-worker',
        find: 'message.isTombstone || this.#isForTombstone(message)',
        replace: 'message.isTombstone',
      },
    ],
  },
  {
    id: 'two-changes-at-once',
    description: 'a change of members is proposed, and applied, while another is under way',
    profile: 'regions',
    edits: [
      {
        module: 'raft/node/proposal',
        find: 'raft.pendingConfIndex > raft.log.applied',
        replace: 'false',
      },
      {
        module: 'raftstore/peer/membership-proposer',
        find: 'if (peer.node.hasPendingConfChange)\n        return serverIsBusy',
        replace: 'if (false)\n        return serverIsBusy',
      },
      {
        module: 'raftstore/apply/region-applier',
        find: 'epochOfRequest(request).confVer !== epochOf(this.#region).confVer',
        replace: 'false',
      },
    ],
  },
];
