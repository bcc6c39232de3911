import { MemoryDisk, MemoryEngine } from '@flotilla/engine';
import { metapb, schedulerpb } from '@flotilla/protocol';
import type { Runtime } from '@flotilla/runtime';
import { testSchedulerConfig } from '../src/config.ts';
import { SchedulerCore } from '../src/scheduler-core.ts';

export const noKey = new Uint8Array(0);

export function key(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

export function peer(id: number, storeId: number): metapb.Peer {
  return metapb.Peer.create({ id, storeId });
}

export function store(id: number): metapb.Store {
  return metapb.Store.create({ id, address: `127.0.0.1:${20_000 + id}` });
}

export interface RegionShape {
  readonly id?: number;
  readonly start?: string;
  readonly end?: string;
  readonly version?: number;
  readonly confVer?: number;
  readonly peers?: readonly metapb.Peer[];
}

export function region(shape: RegionShape = {}): metapb.Region {
  return metapb.Region.create({
    id: shape.id ?? 100,
    startKey: key(shape.start ?? ''),
    endKey: key(shape.end ?? ''),
    regionEpoch: { version: shape.version ?? 1, confVer: shape.confVer ?? 1 },
    peers: shape.peers ?? [peer((shape.id ?? 100) + 1, 1)],
  });
}

export function report(of: metapb.Region): schedulerpb.RegionHeartbeatRequest {
  return schedulerpb.RegionHeartbeatRequest.create({ region: of, leader: of.peers[0] });
}

/** A core over a simulated disk, which outlives it. */
export interface OpenCore {
  readonly core: SchedulerCore;
  readonly engine: MemoryEngine;
}

export async function openCore(runtime: Runtime, disk: MemoryDisk = new MemoryDisk()): Promise<OpenCore> {
  const engine = new MemoryEngine(disk);
  return { core: await SchedulerCore.open({ engine, runtime, config: testSchedulerConfig }), engine };
}
