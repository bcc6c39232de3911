import { flotillapb, type metapb, type raft_cmdpb } from '@flotilla/protocol';
import type { Random } from '@flotilla/runtime';
import { errorOf, getCommand, headerOf, putCommand, type TestCluster, type TestNode } from '@flotilla/test-harness';
import type { EventTrace } from './event-trace.ts';
import { bytesOf, rivalKey, textOf } from './key-space.ts';
import type { Histories } from './sim-client.ts';

/** How often a burst comes by. */
const rounds = 3;
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
  #bursts = 0;
  #operations = 0;

  constructor(options: RivalsOptions) {
    this.#options = options;
  }

  /** Writes and reads one key of a random region, through all of its members. */
  async burst(random: Random): Promise<void> {
    const { cluster, timeScale } = this.#options;
    const regions = cluster.scheduler.regions();
    const { id, startKey } = regions[random.integer(0, regions.length)]?.region ?? {};
    if (id === undefined || startKey === undefined) return;
    this.#bursts += 1;
    const key = rivalKey(startKey, this.#bursts);
    this.#keys.set(id, key);
    for (let round = 0; round < rounds; round += 1) {
      for (const node of cluster.nodes) this.#ask(node, id, key, round !== 1);
      await cluster.clock.timers.sleep(random.fraction() * 600 * timeScale);
    }
  }

  /** Reads, through the leaders on one store, what the last bursts have written. */
  probe(node: TestNode): void {
    for (const [regionId, key] of this.#keys) {
      const { role, region } = this.#options.cluster.statusOf(node, regionId) ?? {};
      if (role === flotillapb.RaftRole.Leader && region !== undefined) this.#get(node, region, key, undefined);
    }
  }

  #ask(node: TestNode, regionId: number, key: string, writes: boolean): void {
    const { role, region, peer } = this.#options.cluster.statusOf(node, regionId) ?? {};
    if (region === undefined || region.peers.length === 0) return;
    const leads = role === flotillapb.RaftRole.Leader;
    if (leads && writes) this.#put(node, region, key);
    this.#get(node, region, key, leads ? undefined : peer);
  }

  #put(node: TestNode, region: metapb.Region, key: string): void {
    const value = `rival ${this.#operations}`;
    void this.#settle(node, 'put', key, value, putCommand(headerOf(region), key, bytesOf(value)));
  }

  /** `replica` reads as a member that does not lead. */
  #get(node: TestNode, region: metapb.Region, key: string, replica: metapb.Peer | undefined): void {
    const header = { ...headerOf(region, replica), replicaRead: replica !== undefined };
    void this.#settle(node, 'get', key, null, getCommand(header, key));
  }

  async #settle(
    node: TestNode,
    op: 'put' | 'get',
    key: string,
    value: string | null,
    request: raft_cmdpb.RaftCmdRequest,
  ): Promise<void> {
    const { histories, trace } = this.#options;
    this.#operations += 1;
    const call = histories.registers.invoke(firstProcess + this.#operations, op, key, value);
    const what = `rival at ${node.name}: ${op} ${key} ${value ?? ''}`;
    trace.note(what);
    const result = await node.store?.execute(request).catch(() => undefined);
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
