import type { Engine } from '@flotilla/engine';
import { type errorpb, type metapb, raft_cmdpb } from '@flotilla/protocol';
import type { Runtime } from '@flotilla/runtime';
import { invalidRequest, machineNotHere, serverIsBusy } from '../region-error.ts';
import type { CommandResult } from '../store-handle.ts';
import { MachineKinds } from './machine-kinds.ts';
import { createMachineReader, MachineReplica, type ReplicaSubscription } from './machine-replica.ts';
import type { RegionMachineKind } from './region-machine.ts';

/** What the machines of a store need of it. */
export interface RegionMachinesOptions {
  readonly kinds: readonly RegionMachineKind[];
  readonly kvEngine: Engine;
  readonly runtime: Runtime;
  /** Runs a command of the store's own; always answers. */
  readonly execute: (request: raft_cmdpb.RaftCmdRequest) => Promise<CommandResult>;
}

/** What became of the wish to follow a machine. */
export type SubscribeOutcome =
  | { readonly type: 'subscribed'; readonly subscription: ReplicaSubscription }
  | { readonly type: 'refused'; readonly error: errorpb.Error };

/**
 * The machines of a store's replicas. The apply worker makes and ends them, because it alone knows which data are there;
 * the raft worker reads them, on the same thread.
 */
export class RegionMachines {
  readonly kinds: MachineKinds;
  readonly #options: RegionMachinesOptions;
  readonly #replicas = new Map<number, MachineReplica>();

  constructor(options: RegionMachinesOptions) {
    this.#options = options;
    this.kinds = new MachineKinds(options.kinds);
  }

  /** The machine of a region's replica here, when the region's range is a machine's. */
  get(regionId: number): MachineReplica | undefined {
    return this.#replicas.get(regionId);
  }

  /** Makes the machine of a region whose data are in place, if its range is one's, and begins to load it. */
  attach(region: metapb.Region): MachineReplica | undefined {
    const kind = this.kinds.ofRegion(region);
    if (kind === undefined) return undefined;
    this.detach(region.id);
    const { kvEngine, runtime } = this.#options;
    const replica = new MachineReplica(kind, {
      regionId: region.id,
      reader: createMachineReader(kvEngine, kind),
      runtime,
      propose: (payload) => this.#propose(region, kind, payload),
    });
    this.#replicas.set(region.id, replica);
    return replica;
  }

  /** Ends the machine of a region whose replica, or whose data, are about to go. */
  detach(regionId: number): void {
    this.#replicas.get(regionId)?.close();
    this.#replicas.delete(regionId);
  }

  /** Follows the machine that the key belongs to, if its replica here can be followed. */
  subscribe(key: Uint8Array, payload: Uint8Array): SubscribeOutcome {
    const kind = this.kinds.ofKey(key);
    if (kind === undefined) return refused(invalidRequest('key', 'no machine of this store has the key'));
    const replica = [...this.#replicas.values()].find((one) => one.kind === kind);
    if (replica === undefined) return refused(machineNotHere(kind.name));
    if (!replica.isReady) return refused(serverIsBusy(`the machine ${kind.name} is being loaded`));
    return { type: 'subscribed', subscription: replica.subscribe(payload) };
  }

  /** Sends all subscribers elsewhere: the store is about to end. */
  endSubscriptions(): void {
    for (const replica of this.#replicas.values()) replica.endSubscriptions();
  }

  close(): void {
    for (const regionId of [...this.#replicas.keys()]) this.detach(regionId);
  }

  /** A machine's region is never split, so the epoch that it was made with stays its version. */
  async #propose(region: metapb.Region, kind: RegionMachineKind, payload: Uint8Array): Promise<Uint8Array | undefined> {
    const call = raft_cmdpb.CallRequest.create({ key: kind.range.start, payload });
    const { id: regionId, regionEpoch } = region;
    const { response } = await this.#options.execute(
      raft_cmdpb.RaftCmdRequest.create({
        header: raft_cmdpb.RaftRequestHeader.create({ regionId, regionEpoch }),
        requests: [raft_cmdpb.Request.create({ cmdType: raft_cmdpb.CmdType.Call, call })],
      }),
    );
    return response.header?.error === undefined ? response.responses[0]?.call?.payload : undefined;
  }
}

function refused(error: errorpb.Error): SubscribeOutcome {
  return { type: 'refused', error };
}
