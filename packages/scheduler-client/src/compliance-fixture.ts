import { equal, rejects } from 'node:assert/strict';
import { metapb, schedulerpb } from '@flotilla/protocol';
import { firstValueFrom } from 'rxjs';
import type { OperatorStep } from './operator/operator-step.ts';
import type { SchedulerClient } from './scheduler-client.ts';
import type { SchedulerErrorCode } from './scheduler-error.ts';

/** One fresh cluster, not bootstrapped, behind the implementation under test. */
export interface ComplianceHarness {
  /** A client of its own, as one store has it; the harness's owner closes it. */
  connect(): Promise<SchedulerClient>;
  /** Orders a change of a region from the scheduler itself. */
  order(regionId: number, ...steps: readonly OperatorStep[]): void | Promise<void>;
}

/** One thing that every `SchedulerClient` does; `run` rejects with an AssertionError when it does not. */
export interface ComplianceCase {
  readonly name: string;
  run(harness: ComplianceHarness): Promise<void>;
}

/** The beginning, or the end, of the key space. */
export const noKey = new Uint8Array(0);

/** The bytes of a key. */
export function key(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/** A store with an address of its own. */
export function store(id: number): metapb.Store {
  return metapb.Store.create({ id, address: `127.0.0.1:${20_000 + id}` });
}

/** A voter. */
export function peer(id: number, storeId: number): metapb.Peer {
  return metapb.Peer.create({ id, storeId });
}

/** What a case says about a region; the rest is the first region's. */
export interface RegionShape {
  readonly id?: number;
  readonly start?: string;
  readonly end?: string;
  readonly version?: number;
  readonly confVer?: number;
  readonly peers?: readonly metapb.Peer[];
}

/** A region; the whole key space with one peer unless said. */
export function region(shape: RegionShape = {}): metapb.Region {
  return metapb.Region.create({
    id: shape.id ?? 100,
    startKey: key(shape.start ?? ''),
    endKey: key(shape.end ?? ''),
    regionEpoch: { version: shape.version ?? 1, confVer: shape.confVer ?? 1 },
    peers: shape.peers ?? [peer(101, 1)],
  });
}

/** A heartbeat from the region's first peer unless said. */
export function heartbeat(of: metapb.Region, fields: Partial<schedulerpb.RegionHeartbeatRequest> = {}) {
  return schedulerpb.RegionHeartbeatRequest.create({ region: of, leader: of.peers[0], ...fields });
}

/** Sends a heartbeat and waits for the answer to it. */
export async function exchange(
  client: SchedulerClient,
  of: metapb.Region,
  fields: Partial<schedulerpb.RegionHeartbeatRequest> = {},
): Promise<schedulerpb.RegionHeartbeatResponse> {
  const answer = firstValueFrom(client.regionHeartbeatResponses);
  client.regionHeartbeat(heartbeat(of, fields));
  return answer;
}

/** A client of a cluster that store 1 and region 100 have begun. */
export async function bootstrapped(harness: ComplianceHarness): Promise<SchedulerClient> {
  const client = await harness.connect();
  equal(await client.bootstrap(store(1), region()), 'bootstrapped');
  return client;
}

/** Rejects unless the call fails with this code. */
export async function rejectsWith(call: Promise<unknown>, code: SchedulerErrorCode): Promise<void> {
  await rejects(call, { name: 'SchedulerError', code });
}

/** The ids of regions. */
export function ids(found: readonly { readonly region: metapb.Region }[]): number[] {
  return found.map((entry) => entry.region.id);
}
