import { errorpb, flotillapb, metapb, raft_cmdpb, type raft_serverpb } from '@flotilla/protocol';
import type {
  CommandResult,
  ConsistencyOutcome,
  RaftStoreHandle,
  RegionSnapshot,
  SnapshotReceiver,
  SubscribeOutcome,
} from '@flotilla/raftstore';
import { NEVER } from 'rxjs';

/** The first region of a test: everything, on one peer of store 1. */
export const testPeer = metapb.Peer.create({ id: 11, storeId: 1 });

/** The context that goes with it. */
export const testContext = {
  regionId: 1,
  regionEpoch: { confVer: 1, version: 1 },
  peer: testPeer,
  term: 0,
  replicaRead: false,
};

/** A snapshot that arrived, or a part of it. */
export interface SnapshotRecord {
  readonly message: raft_serverpb.RaftMessage;
  readonly bytes: Buffer;
  state: 'open' | 'finished' | 'aborted';
}

/** A store without raft beneath: one region in memory, with answers that a test can bend. */
export class FakeStore implements RaftStoreHandle {
  readonly storeId: number;
  readonly clusterId = 7;
  readonly leadershipChanges = NEVER;
  readonly data = new Map<string, Uint8Array>();
  readonly delivered: raft_serverpb.RaftMessage[] = [];
  readonly snapshots: { message: raft_serverpb.RaftMessage; bytes: Buffer; state: 'open' | 'finished' | 'aborted' }[] =
    [];
  region = metapb.Region.create({ id: 1, regionEpoch: { confVer: 1, version: 1 }, peers: [testPeer] });
  /** When set, every command ends so and has no effect. */
  refuseWith: Partial<errorpb.Error> | undefined;
  /** When set, commands wait for it. */
  gate: Promise<void> = Promise.resolve();
  deliverOutcome: 'accepted' | 'full' | 'closed' = 'accepted';
  openSnapshots = 0;
  /** Thrown by the next read of a snapshot. */
  readFailure: Error | undefined;
  /** Thrown by the next `receiveSnapshot`. */
  receiveFailure: Error | undefined;
  /** What each write of a snapshot chunk waits for. */
  chunkGate: Promise<void> = Promise.resolve();

  constructor(storeId = 1) {
    this.storeId = storeId;
  }

  async execute(request: raft_cmdpb.RaftCmdRequest): Promise<CommandResult> {
    await this.gate;
    if (this.refuseWith !== undefined) return refused(this.refuseWith);
    if (request.header?.regionId !== this.region.id) {
      return refused({ regionNotFound: { regionId: request.header?.regionId ?? 0 } });
    }
    let snapshot: RegionSnapshot | undefined;
    const responses: raft_cmdpb.Response[] = [];
    for (const { cmdType, get, put, delete: remove } of request.requests) {
      const key = get?.key ?? put?.key ?? remove?.key;
      if (key !== undefined && !this.#holds(key)) return refused({ keyNotInRegion: keyNotInRegion(this.region, key) });
      if (put !== undefined) this.data.set(cell(put.cf, put.key), Buffer.from(put.value));
      if (remove !== undefined) this.data.delete(cell(remove.cf, remove.key));
      if (cmdType === raft_cmdpb.CmdType.Snap) snapshot = this.#snapshot();
      const value = get === undefined ? undefined : this.data.get(cell(get.cf, get.key));
      responses.push(raft_cmdpb.Response.create({ cmdType, get: value === undefined ? undefined : { value } }));
    }
    return { response: raft_cmdpb.RaftCmdResponse.create({ responses }), snapshot };
  }

  subscribe(): SubscribeOutcome {
    return { type: 'refused', error: errorpb.Error.create({ regionNotFound: { regionId: this.region.id } }) };
  }

  #holds(key: Uint8Array): boolean {
    const { startKey, endKey } = this.region;
    return Buffer.compare(key, startKey) >= 0 && (endKey.length === 0 || Buffer.compare(key, endKey) < 0);
  }

  #snapshot(): RegionSnapshot {
    const frozen = new Map(this.data);
    this.openSnapshots += 1;
    const failOnce = (): void => {
      const failure = this.readFailure;
      this.readFailure = undefined;
      if (failure !== undefined) throw failure;
    };
    return {
      region: this.region,
      async get(columnFamily, key) {
        failOnce();
        return frozen.get(cell(columnFamily, key));
      },
      async scan(columnFamily, start, limit, maxBytes) {
        failOnce();
        const first = cell(columnFamily, start);
        const keys = [...frozen.keys()].filter((key) => key >= first && key.startsWith(`${columnFamily}_`)).sort();
        const pairs = [];
        let bytes = 0;
        for (const name of keys) {
          if (pairs.length >= limit || bytes >= maxBytes) break;
          const key = Buffer.from(name.slice(columnFamily.length + 1), 'hex');
          const value = frozen.get(name) as Uint8Array;
          pairs.push({ key, value });
          bytes += key.length + value.length;
        }
        return pairs;
      },
      close: async () => {
        this.openSnapshots -= 1;
      },
    };
  }

  deliver(message: raft_serverpb.RaftMessage): 'accepted' | 'full' | 'closed' {
    if (this.deliverOutcome === 'accepted') this.delivered.push(message);
    return this.deliverOutcome;
  }

  async receiveSnapshot(message: raft_serverpb.RaftMessage): Promise<SnapshotReceiver> {
    if (this.receiveFailure !== undefined) throw this.receiveFailure;
    const chunks: Uint8Array[] = [];
    const record: SnapshotRecord = {
      message,
      state: 'open',
      get bytes() {
        return Buffer.concat(chunks);
      },
    };
    this.snapshots.push(record);
    return {
      write: async (chunk) => {
        await this.chunkGate;
        chunks.push(chunk);
      },
      finish: async () => {
        record.state = 'finished';
      },
      abort: async () => {
        record.state = 'aborted';
      },
    };
  }

  /** What the last check found; a check that is asked for finds the same again. */
  hash: flotillapb.RegionHash | undefined;

  async checkConsistency(regionId: number): Promise<ConsistencyOutcome> {
    if (this.refuseWith !== undefined) return { type: 'refused', error: errorpb.Error.create(this.refuseWith) };
    const hash = this.hash ?? flotillapb.RegionHash.create({ regionId, peer: testPeer, index: 8 });
    this.hash = hash;
    return { type: 'hashed', hash };
  }

  regionHash(): flotillapb.RegionHash | undefined {
    return this.hash;
  }

  status(): flotillapb.RegionStatus[] {
    const role = flotillapb.RaftRole.Leader;
    const indexes = { term: 6, commitIndex: 9, appliedIndex: 8, firstIndex: 6, lastIndex: 9 };
    return [
      flotillapb.RegionStatus.create({ region: this.region, peer: testPeer, leader: testPeer, role, ...indexes }),
    ];
  }

  async transferLeadershipAway(): Promise<void> {}
  async close(): Promise<void> {}
}

function keyNotInRegion({ id: regionId, startKey, endKey }: metapb.Region, key: Uint8Array): errorpb.KeyNotInRegion {
  return { regionId, key, startKey, endKey };
}

function cell(columnFamily: string, key: Uint8Array): string {
  return `${columnFamily}_${Buffer.from(key).toString('hex')}`;
}

function refused(error: Partial<errorpb.Error>): CommandResult {
  const header = raft_cmdpb.RaftResponseHeader.create({ error: errorpb.Error.create(error) });
  return { response: raft_cmdpb.RaftCmdResponse.create({ header }) };
}
