import type { RawClient, RawClientConfig } from '@flotilla/client';
import type { RaftStoreHandle } from '@flotilla/raftstore';
import type { Readiness } from '@flotilla/server';
import type { NodeError } from './node-error.ts';

/** Where a node can be reached; each host:port with the real port. */
export interface NodeAddresses {
  readonly grpc: string;
  readonly http: string;
  /** The cluster's scheduler. */
  readonly scheduler: string;
}

/** A storage node that runs. */
export interface StorageNode {
  readonly clusterId: number;
  readonly storeId: number;
  readonly addresses: NodeAddresses;
  /** Whether the scheduler runs inside this node. */
  readonly hasScheduler: boolean;
  /** The node's store, for a program that runs the node inside itself. */
  readonly store: RaftStoreHandle;
  /**
   * A client of the whole cluster that calls this node's store directly, and others over the network. The caller closes it
   * before the node.
   */
  createClient(config?: Partial<RawClientConfig>): RawClient;
  /** Whether every region here knows a leader, and if not, why. */
  readiness(): Readiness;
  /** Resolves when the node cannot go on; it must be closed then. */
  readonly failed: Promise<NodeError>;
  /** Hands leadership to other stores, answers what is pending, and lets go of ports and directories. May be called twice. */
  close(): Promise<void>;
}
