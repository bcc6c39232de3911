import { flotillapb, type metapb } from '@flotilla/protocol';
import type { ClusterConnection } from '../cluster-connection.ts';
import type { CommandContext } from '../command-context.ts';

/** What one replica has. */
export interface ReplicaHash {
  readonly peer: metapb.Peer;
  /** Undefined when there is none; `problem` tells why. */
  readonly hash: string | undefined;
  readonly problem: string;
}

/** What the replicas of one region have at one entry of its log. */
export interface RegionHashes {
  readonly regionId: number;
  /** The entry; 0 when no leader computed a hash. */
  readonly index: number;
  readonly replicas: readonly ReplicaHash[];
  readonly verdict: 'equal' | 'different' | 'unknown';
}

const pollIntervalMs = 100;
const { Computed, Matched, Mismatched, Failed } = flotillapb.RegionHashState;

/**
 * Has every replica of a region compute its hash at one entry of the log, and compares them. A leader that moved, a region
 * that changed meanwhile and a check that was overtaken by another are begun again until the time is over.
 */
export async function compareReplicas(
  context: CommandContext,
  connection: ClusterConnection,
  regionId: number,
): Promise<RegionHashes> {
  const { runtime, options, interrupt } = context;
  const untilMs = runtime.clock.monotonicMs() + options.timeoutMs;
  const operators = await connection.operators(interrupt);
  for (;;) {
    const { region, leader } = await operators.getRegion(regionId, interrupt);
    const peers = region?.peers ?? [];
    const begun = await beginCheck(connection, regionId, peers, leader, interrupt);
    const isLate = runtime.clock.monotonicMs() >= untilMs;
    if (begun.type === 'computed') {
      const found = await collect(context, connection, begun.hash, peers, untilMs);
      if (found !== 'overtaken') return found;
      if (isLate) return unknown(regionId, peers, 'other checks came in between');
    } else if (isLate) {
      return unknown(regionId, peers, begun.reason);
    }
    await runtime.timers.sleep(pollIntervalMs, interrupt);
  }
}

type Begun =
  | { readonly type: 'computed'; readonly hash: flotillapb.RegionHash }
  | { readonly type: 'refused'; readonly reason: string };

/** Asks whoever leads; a store that does not knows, or another one does. */
async function beginCheck(
  connection: ClusterConnection,
  regionId: number,
  peers: readonly metapb.Peer[],
  leader: metapb.Peer | undefined,
  signal: AbortSignal,
): Promise<Begun> {
  const storeIds = [...(leader === undefined ? [] : [leader.storeId]), ...peers.map((peer) => peer.storeId)];
  let reason = 'no leader is known';
  for (const storeId of new Set(storeIds)) {
    const report = await connection.regionHash(storeId, { regionId, compute: true }, signal);
    if (report.type === 'silent') {
      reason = `store ${storeId} does not answer: ${report.reason}`;
      continue;
    }
    const [hash] = report.response.hashes;
    if (report.response.regionError === undefined && hash !== undefined && hash.hash.length > 0) {
      return { type: 'computed', hash };
    }
    reason = `store ${storeId}: ${report.response.regionError?.message ?? 'the hash could not be computed'}`;
  }
  return { type: 'refused', reason };
}

async function collect(
  context: CommandContext,
  connection: ClusterConnection,
  first: flotillapb.RegionHash,
  peers: readonly metapb.Peer[],
  untilMs: number,
): Promise<RegionHashes | 'overtaken'> {
  const replicas: ReplicaHash[] = [];
  for (const peer of peers) {
    const replica = await replicaHash(context, connection, { peer, first, untilMs });
    if (replica === 'overtaken') return 'overtaken';
    replicas.push(replica);
  }
  const hashes = new Set(replicas.flatMap(({ hash }) => (hash === undefined ? [] : [hash])));
  const isWhole = replicas.every(({ hash }) => hash !== undefined);
  const verdict = hashes.size > 1 ? 'different' : isWhole ? 'equal' : 'unknown';
  return { regionId: first.regionId, index: first.index, replicas, verdict };
}

interface Awaited {
  readonly peer: metapb.Peer;
  /** The leader's hash, whose entry is the one. */
  readonly first: flotillapb.RegionHash;
  readonly untilMs: number;
}

/** Waits until a replica has applied the entry and computed its hash. */
async function replicaHash(
  { runtime, interrupt }: CommandContext,
  connection: ClusterConnection,
  { peer, first, untilMs }: Awaited,
): Promise<ReplicaHash | 'overtaken'> {
  const { regionId, index } = first;
  for (;;) {
    const report = await connection.regionHash(peer.storeId, { regionId, compute: false }, interrupt);
    let problem = 'has not computed it yet';
    if (report.type === 'silent') {
      problem = `does not answer: ${report.reason}`;
    } else {
      const found = report.response.hashes[0];
      if (found !== undefined && found.index > index) return 'overtaken';
      const isComputed = found?.state === Computed || found?.state === Matched || found?.state === Mismatched;
      if (found !== undefined && found.index === index && isComputed) {
        return { peer, hash: Buffer.from(found.hash).toString('hex'), problem: '' };
      }
      if (found?.state === Failed && found.index === index) problem = 'could not compute it';
      if (report.response.regionError !== undefined) problem = report.response.regionError.message;
    }
    if (runtime.clock.monotonicMs() >= untilMs) return { peer, hash: undefined, problem };
    await runtime.timers.sleep(pollIntervalMs, interrupt);
  }
}

function unknown(regionId: number, peers: readonly metapb.Peer[], problem: string): RegionHashes {
  return {
    regionId,
    index: 0,
    replicas: peers.map((peer) => ({ peer, hash: undefined, problem })),
    verdict: 'unknown',
  };
}
