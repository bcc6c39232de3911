import { type metapb, raft_serverpb } from '@flotilla/protocol';
import type { Snapshot } from '@flotilla/raft';
import { epochOf, isSameEpoch } from '@flotilla/scheduler-client';
import { confStateOf } from '../region.ts';
import type { RegionTask, RegionTaskResult } from '../region-worker/message.ts';

type Generated = Extract<RegionTaskResult, { type: 'generated' }>;

/** What the source has to know of the peer when it is asked. */
export interface SnapshotNeeds {
  /** Where the log begins: a snapshot from before cannot be followed by it. */
  readonly truncatedIndex: number;
  /** The region as it is: a snapshot of other members, or of the range from before a split, is of no use any more. */
  readonly epoch: metapb.RegionEpoch;
}

/**
 * The snapshot that a leader sends to followers its log no longer reaches. It is generated on demand in the region worker;
 * until it is there the core goes without and asks again. One snapshot serves every follower that needs one, until the log
 * or the membership has moved on.
 */
export class SnapshotSource {
  readonly #regionId: number;
  readonly #schedule: (task: RegionTask) => boolean;
  #isGenerating = false;
  #snapshot: Snapshot | undefined;
  #epoch: metapb.RegionEpoch = { confVer: 0, version: 0 };

  constructor(regionId: number, schedule: (task: RegionTask) => boolean) {
    this.#regionId = regionId;
    this.#schedule = schedule;
  }

  /** The index of the snapshot that may still be handed out; 0 is none. */
  get index(): number {
    return this.#snapshot?.metadata.index ?? 0;
  }

  get(needs: SnapshotNeeds): Snapshot | undefined {
    const current = this.#snapshot;
    if (
      current !== undefined &&
      current.metadata.index >= needs.truncatedIndex &&
      isSameEpoch(this.#epoch, needs.epoch)
    ) {
      return current;
    }
    this.#snapshot = undefined;
    if (!this.#isGenerating) {
      this.#isGenerating = this.#schedule({ type: 'generate', regionId: this.#regionId });
    }
    return undefined;
  }

  generated(result: Generated): void {
    this.#isGenerating = false;
    this.#epoch = epochOf(result.region);
    this.#snapshot = toSnapshot(result);
  }

  failed(): void {
    this.#isGenerating = false;
  }

  /** Forgets the snapshot: its files are being collected. */
  forget(): void {
    this.#snapshot = undefined;
  }
}

function toSnapshot(result: Generated): Snapshot {
  const region: metapb.Region = result.region;
  const data = raft_serverpb.RaftSnapshotData.encode({
    region,
    fileSize: result.totalBytes,
    data: [],
    meta: result.meta,
  });
  return { data, metadata: { index: result.index, term: result.term, confState: confStateOf(region) } };
}
