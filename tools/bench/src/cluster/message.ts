import type { OperationName } from './options.ts';

/** One run of load: concurrent clients that each begin the next operation when the last has ended. */
export interface LoadPlan {
  readonly operation: OperationName;
  readonly clients: number;
  readonly connections: number;
  readonly keys: number;
  readonly valueBytes: number;
  readonly warmUpMs: number;
  readonly measureMs: number;
  /** Decides the keys. */
  readonly seed: number;
}

/** What a run of load measured. */
export interface LoadResult {
  readonly operations: number;
  /** Length of the measurement. */
  readonly seconds: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Operations that failed, in the warm-up too. */
  readonly errors: number;
  readonly firstError: string | undefined;
}

/** Where the load generator finds what it drives. */
export type LoadTarget =
  | { readonly type: 'etcd'; readonly address: string }
  | { readonly type: 'flotilla'; readonly schedulerAddress: string };

/** What the benchmark asks of its processes; each is answered by one message, a load by two. */
export type BenchRequest =
  /** Puts every key once. The load generator needs a target, a storage node is its own. */
  | { readonly type: 'fill'; readonly target?: LoadTarget; readonly plan: LoadPlan }
  | { readonly type: 'load'; readonly target?: LoadTarget; readonly plan: LoadPlan }
  /** Asks a storage node for its state. */
  | { readonly type: 'state' }
  /** Has a storage node hand leadership of what it leads to another store. */
  | { readonly type: 'handOver'; readonly toStoreId: number }
  | { readonly type: 'stop' };

/** What a storage node says of itself. */
export interface NodeState {
  readonly storeId: number;
  /** Peers here. */
  readonly regions: number;
  readonly leaders: number;
  /** The fewest voters of any region here. */
  readonly fewestPeers: number;
}

/** What the processes answer. */
export type BenchReply =
  /** The process serves; where. */
  | { readonly type: 'ready'; readonly address: string }
  | { readonly type: 'filled' }
  /** The warm-up is over. */
  | { readonly type: 'measuring' }
  | { readonly type: 'loaded'; readonly result: LoadResult }
  | { readonly type: 'state'; readonly state: NodeState }
  | { readonly type: 'handedOver' }
  | { readonly type: 'failed'; readonly reason: string };
