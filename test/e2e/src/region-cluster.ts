import { ProcessCluster, type ProcessEnd, ProcessUnderTest } from '@flotilla/test-harness';
import { programs } from './programs.ts';

/** A region as `region list --json` shows it, as far as tests look at it. */
export interface ListedRegion {
  readonly id: number;
  readonly leader: { readonly storeId: number } | null;
  readonly peers: readonly { readonly storeId: number; readonly role: string }[];
}

/** A store as `store list --json` shows it, as far as tests look at it. */
export interface ListedStore {
  readonly id: number;
  readonly address: string;
  readonly liveness: string;
}

/** What `region hash --all --json` shows. */
export interface HashReport {
  readonly summary: {
    readonly regions: number;
    readonly equal: number;
    readonly different: number;
    readonly unknown: number;
  };
  readonly regions: readonly {
    readonly regionId: number;
    readonly replicas: readonly { readonly storeId: number }[];
  }[];
}

/** Sizes at which regions are split. */
export interface RegionSizes {
  readonly regionMaxBytes: number;
  readonly regionSplitBytes: number;
}

/** A cluster whose regions are split early, with room for nodes that join later, and the command line against it. */
export class RegionCluster {
  readonly processes: ProcessCluster;

  private constructor(processes: ProcessCluster) {
    this.processes = processes;
  }

  /** Starts the scheduler and the first three of four nodes. */
  static async start({ regionMaxBytes, regionSplitBytes }: RegionSizes): Promise<RegionCluster> {
    const nodeOptions = Object.entries({
      'region-max-bytes': regionMaxBytes,
      'region-split-bytes': regionSplitBytes,
      'split-check-interval-ms': 300,
      'region-heartbeat-interval-ms': 1000,
      'store-heartbeat-interval-ms': 500,
    }).flatMap(([name, value]) => [`--${name}`, String(value)]);
    const processes = await ProcessCluster.create({ programs, nodes: 4, nodeOptions });
    const cluster = new RegionCluster(processes);
    try {
      for (const member of ['scheduler', 0, 1, 2] as const) {
        processes.spawn(member);
        await processes.awaitReady(member);
      }
      await processes.awaitReplicas();
      return cluster;
    } catch (error) {
      await cluster.close();
      throw error;
    }
  }

  /** Starts one command line of `flotilla`. */
  spawn(args: readonly string[]): ProcessUnderTest {
    return new ProcessUnderTest(`flotilla ${args[0]}`, [
      programs.flotilla,
      '--scheduler',
      this.processes.schedulerAddress,
      ...args,
    ]);
  }

  /** Runs one command line of `flotilla` to its end. */
  run(...args: readonly string[]): Promise<ProcessEnd> {
    return this.spawn(args).ended;
  }

  /** Every region in key order. */
  async regions(...options: readonly string[]): Promise<readonly ListedRegion[]> {
    const { regions } = (await this.#json('region', 'list', ...options)) as {
      readonly regions: readonly ListedRegion[];
    };
    return regions;
  }

  /** The stores that the scheduler hears of. */
  async upStores(): Promise<number[]> {
    return (await this.#stores()).filter(({ liveness }) => liveness === 'up').map(({ id }) => id);
  }

  /** The store of a node, once the scheduler has heard of it. */
  async storeOf(node: number): Promise<number | undefined> {
    const { listen } = this.processes.planOf(node);
    const stores = await this.#stores();
    return stores.find(({ address, liveness }) => address === listen && liveness === 'up')?.id;
  }

  /** Whether the replicas of every region are equal. */
  async hashes(): Promise<HashReport> {
    return (await this.#json('region', 'hash', '--all', '--timeout-ms', '60000')) as HashReport;
  }

  close(): Promise<void> {
    return this.processes.close();
  }

  async #stores(): Promise<readonly ListedStore[]> {
    return ((await this.#json('store', 'list')) as { readonly stores: readonly ListedStore[] }).stores;
  }

  async #json(...args: readonly string[]): Promise<unknown> {
    const { code, output, errors } = await this.run(...args, '--json');
    if (code !== 0 && output.length === 0) throw new Error(`flotilla ${args.join(' ')} exited with ${code}: ${errors}`);
    return JSON.parse(output.toString());
  }
}
