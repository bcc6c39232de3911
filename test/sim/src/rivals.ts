import { flotillapb, type metapb, type raft_cmdpb } from '@flotilla/protocol';
import type { Random } from '@flotilla/runtime';
import {
  deleteCommand,
  errorOf,
  getCommand,
  headerOf,
  putCommand,
  splitCommand,
  type TestCluster,
  type TestNode,
} from '@flotilla/test-harness';
import type { EventTrace } from './event-trace.ts';
import { bytesOf, rivalKey, textOf } from './key-space.ts';
import type { Histories } from './sim-client.ts';

/** How often a burst comes by. */
const rounds = 3;
/** How often those that may have lost their leadership are asked. */
const contestRounds = 4;
/** Keys that whoever comes to lead is asked for. */
const recentKeys = 6;
/** Regions from which on none is split by rivals. */
const mostRegions = 6;
/** Processes from here on are no clients; each operation has one of its own. */
const firstProcess = 1_000;

/** What rivals act on. */
export interface RivalsOptions {
  readonly cluster: TestCluster;
  readonly histories: Histories;
  readonly trace: EventTrace;
  readonly timeScale: number;
  /** From when on nothing more is written. */
  readonly isOver: () => boolean;
}

/**
 * Clients that ask every store at once, and believe each that holds itself for a region's leader: what two leaders of one
 * region tell, at the same moment, is where they differ. Of the other members they ask reads as well.
 */
export class Rivals {
  readonly #options: RivalsOptions;
  /** The keys that were written last. */
  #recent: string[] = [];
  /** Stores whose changes of leadership are heard. */
  readonly #followed = new WeakSet<object>();
  #bursts = 0;
  #operations = 0;

  constructor(options: RivalsOptions) {
    this.#options = options;
  }

  /** Follows who leads on every store that runs; for stores that were opened since the last time. */
  follow(): void {
    for (const node of this.#options.cluster.nodes) this.#follow(node);
  }

  /** Writes and reads one key of a random region, through all of its members; rounds are up to `gapMs` apart. */
  async burst(random: Random, gapMs = 600): Promise<void> {
    const { cluster, timeScale } = this.#options;
    const regions = cluster.scheduler.regions();
    const { id, startKey } = regions[random.integer(0, Math.max(1, regions.length))]?.region ?? {};
    if (id === undefined || startKey === undefined) return;
    const key = this.#nextKey(startKey);
    for (let round = 0; round < rounds; round += 1) {
      for (const node of cluster.nodes) this.#ask(node, id, key, round);
      await cluster.clock.timers.sleep(random.fraction() * gapMs * timeScale);
    }
  }

  /** Splits a region, any unless given, twice from the same state, as two operators do: the second has to be refused. */
  splitTwice(random: Random, regionId?: number): void {
    const { cluster, trace } = this.#options;
    const regions = cluster.scheduler.regions();
    const anyRegion = regions[random.integer(0, Math.max(1, regions.length))];
    const { region } =
      regionId === undefined ? (anyRegion ?? {}) : (regions.find((one) => one.region.id === regionId) ?? {});
    const leader = region === undefined ? undefined : cluster.leader(region.id);
    const known = leader === undefined ? undefined : cluster.statusOf(leader, region?.id)?.region;
    if (leader?.store === undefined || known === undefined || regions.length > mostRegions) return;
    for (const end of ['!m', '!k']) {
      const newRegionId = cluster.scheduler.allocId();
      const newPeerIds = known.peers.map(() => cluster.scheduler.allocId());
      const splitKey = Buffer.concat([known.startKey, Buffer.from(end)]);
      trace.note(`a split at ${splitKey}`);
      void leader.store
        .execute(splitCommand(headerOf(known), splitKey, newRegionId, newPeerIds))
        .catch(() => undefined);
    }
  }

  /** Writes several keys at once through a store, whether that leads or not. */
  pile(node: TestNode, regionId: number, count: number, random: Random): void {
    const { region } = this.#options.cluster.statusOf(node, regionId) ?? {};
    if (region === undefined) return;
    for (let number = 0; number < count; number += 1) void this.#put(node, region, this.#anyKey(region, random));
  }

  /** Reads, through the leaders on one store, what was written last. */
  probe(node: TestNode): void {
    for (const key of this.#recent) {
      for (const region of ledRegionsOf(node, key)) this.#get(node, region, key, undefined);
    }
  }

  /** Asks a store as soon as it leads a region; then has it write what no store that led before may miss. */
  #follow(node: TestNode): void {
    const { store } = node;
    if (store === undefined || this.#followed.has(store)) return;
    this.#followed.add(store);
    store.leadershipChanges.subscribe((changes) => {
      if (node.store !== store || this.#options.isOver()) return;
      const won = changes.filter(({ isLocal }) => isLocal);
      if (won.length > 0) this.probe(node);
      for (const { regionId } of won) void this.#contest(node, regionId);
    });
  }

  /** Writes through a new leader; once that is acknowledged, whoever else holds itself for the leader has to know it. */
  async #contest(node: TestNode, regionId: number): Promise<void> {
    const { cluster, timeScale } = this.#options;
    const { region } = cluster.statusOf(node, regionId) ?? {};
    if (region === undefined) return;
    const random = cluster.world.random.fork(`contest ${this.#operations}`);
    const key = this.#anyKey(region, random);
    if (!(await this.#put(node, region, key))) return;
    for (let round = 0; round < contestRounds; round += 1) {
      for (const other of cluster.nodes) {
        if (other !== node) for (const held of ledRegionsOf(other, key)) this.#get(other, held, key, undefined);
      }
      await cluster.clock.timers.sleep(random.fraction() * 300 * timeScale);
    }
  }

  /** A key that was written lately, as others may do now through another store, or a new one. */
  #anyKey(region: metapb.Region, random: Random): string {
    const known = this.#recent.filter((key) => isWithin(region, key));
    const key = random.fraction() < 0.5 ? known[random.integer(0, Math.max(1, known.length))] : undefined;
    return key ?? this.#nextKey(region.startKey);
  }

  #nextKey(regionStart: Uint8Array): string {
    this.#bursts += 1;
    const key = rivalKey(regionStart, this.#bursts);
    this.#recent = [...this.#recent, key].slice(-recentKeys);
    return key;
  }

  #ask(node: TestNode, regionId: number, key: string, round: number): void {
    const { role, region, peer } = this.#options.cluster.statusOf(node, regionId) ?? {};
    if (region === undefined || region.peers.length === 0) return;
    const leads = role === flotillapb.RaftRole.Leader;
    if (leads && round === 0) void this.#put(node, region, key);
    if (leads && round === rounds - 1) this.#endKey(node, region, key);
    this.#get(node, region, key, leads ? undefined : peer);
  }

  /** Answers whether the write was acknowledged. */
  #put(node: TestNode, region: metapb.Region, key: string): Promise<boolean> {
    const value = `rival ${this.#operations}`;
    return this.#settle(node, 'put', key, value, putCommand(headerOf(region), key, bytesOf(value)));
  }

  /** The last write of a key deletes it, every other time. */
  #endKey(node: TestNode, region: metapb.Region, key: string): void {
    if (this.#bursts % 2 === 0) void this.#put(node, region, key);
    else void this.#settle(node, 'delete', key, null, deleteCommand(headerOf(region), key));
  }

  /** `replica` reads as a member that does not lead. */
  #get(node: TestNode, region: metapb.Region, key: string, replica: metapb.Peer | undefined): void {
    const header = { ...headerOf(region, replica), replicaRead: replica !== undefined };
    void this.#settle(node, 'get', key, null, getCommand(header, key));
  }

  async #settle(
    node: TestNode,
    op: 'put' | 'delete' | 'get',
    key: string,
    value: string | null,
    request: raft_cmdpb.RaftCmdRequest,
  ): Promise<boolean> {
    const { histories, trace } = this.#options;
    this.#operations += 1;
    const call = histories.registers.invoke(firstProcess + this.#operations, op, key, value);
    const what = `rival at ${node.name}: ${op} ${key} ${value ?? ''}`;
    trace.note(what);
    const { run } = node;
    const answer = await node.store?.execute(request).catch(() => undefined);
    // What a store that has crashed would have said never left it.
    const result = run.isOver ? undefined : answer;
    const error = result === undefined ? undefined : errorOf(result);
    if (result === undefined || error?.outcomeUnknown !== undefined) {
      call.info();
    } else if (error !== undefined) {
      call.fail();
    } else {
      const output = op === 'get' ? textOf(result.response.responses[0]?.get?.value) : null;
      trace.note(`${what} → ok ${output ?? ''}`);
      call.ok(output);
      return true;
    }
    return false;
  }
}

/** The regions with a key that a store holds itself for the leader of. */
function ledRegionsOf({ store }: TestNode, key: string): metapb.Region[] {
  return (store?.status() ?? []).flatMap(({ role, region }) =>
    role === flotillapb.RaftRole.Leader && region !== undefined && isWithin(region, key) ? [region] : [],
  );
}

function isWithin({ startKey, endKey }: metapb.Region, key: string): boolean {
  const bytes = Buffer.from(key);
  return Buffer.compare(startKey, bytes) <= 0 && (endKey.length === 0 || Buffer.compare(bytes, endKey) < 0);
}
