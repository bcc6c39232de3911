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
}

/**
 * Clients that ask every store at once, and believe each that holds itself for a region's leader: what two leaders of one
 * region tell, at the same moment, is where they differ. Of the other members they ask reads as well.
 */
export class Rivals {
  readonly #options: RivalsOptions;
  /** The key of each region's last burst. */
  readonly #keys = new Map<number, string>();
  /** Stores whose changes of leadership are heard. */
  readonly #followed = new WeakSet<object>();
  #bursts = 0;
  #operations = 0;

  constructor(options: RivalsOptions) {
    this.#options = options;
  }

  /** Writes and reads one key of a random region, through all of its members; rounds are up to `gapMs` apart. */
  async burst(random: Random, gapMs = 600): Promise<void> {
    const { cluster, timeScale } = this.#options;
    const regions = cluster.scheduler.regions();
    const { id, startKey } = regions[random.integer(0, Math.max(1, regions.length))]?.region ?? {};
    if (id === undefined || startKey === undefined) return;
    this.#bursts += 1;
    const key = rivalKey(startKey, this.#bursts);
    this.#keys.set(id, key);
    for (const node of cluster.nodes) this.#follow(node);
    for (let round = 0; round < rounds; round += 1) {
      for (const node of cluster.nodes) this.#ask(node, id, key, round);
      await cluster.clock.timers.sleep(random.fraction() * gapMs * timeScale);
    }
  }

  /** Splits a region twice from the same state, as two operators do: the second has to be refused. */
  splitTwice(random: Random): void {
    const { cluster, trace } = this.#options;
    const regions = cluster.scheduler.regions();
    const { region } = regions[random.integer(0, Math.max(1, regions.length))] ?? {};
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

  /** Reads, through the leaders on one store, what the last bursts have written. */
  probe(node: TestNode): void {
    for (const [regionId, key] of this.#keys) {
      const { role, region } = this.#options.cluster.statusOf(node, regionId) ?? {};
      if (role === flotillapb.RaftRole.Leader && region !== undefined) this.#get(node, region, key, undefined);
    }
  }

  /** Asks a store as soon as it leads a region. */
  #follow(node: TestNode): void {
    const { store } = node;
    if (store === undefined || this.#followed.has(store)) return;
    this.#followed.add(store);
    store.leadershipChanges.subscribe((changes) => {
      if (node.store === store && changes.some(({ isLocal }) => isLocal)) this.probe(node);
    });
  }

  #ask(node: TestNode, regionId: number, key: string, round: number): void {
    const { role, region, peer } = this.#options.cluster.statusOf(node, regionId) ?? {};
    if (region === undefined || region.peers.length === 0) return;
    const leads = role === flotillapb.RaftRole.Leader;
    if (leads && round === 0) this.#put(node, region, key);
    if (leads && round === rounds - 1) this.#endKey(node, region, key);
    this.#get(node, region, key, leads ? undefined : peer);
  }

  #put(node: TestNode, region: metapb.Region, key: string): void {
    const value = `rival ${this.#operations}`;
    void this.#settle(node, 'put', key, value, putCommand(headerOf(region), key, bytesOf(value)));
  }

  /** The last write of a key deletes it, every other time. */
  #endKey(node: TestNode, region: metapb.Region, key: string): void {
    if (this.#bursts % 2 === 0) this.#put(node, region, key);
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
  ): Promise<void> {
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
    }
  }
}
