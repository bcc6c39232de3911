import type { ConfChange, ConfChangeKind, ConfChangeTransition } from '../../src/confchange/conf-change.ts';
import type { ConfState, Message } from '../../src/message.ts';
import { ClusterLog } from './cluster-log.ts';
import { Disk } from './disk.ts';
import { type Interruption, SimulatedNode } from './simulated-node.ts';

/** One thing that happens. Numbers are taken modulo what there is to choose from. */
export type Action =
  | { readonly type: 'tick'; readonly node: number; readonly ticks: number }
  | { readonly type: 'ready'; readonly node: number; readonly interruption: Interruption }
  | {
      readonly type:
        | 'append'
        | 'apply'
        | 'receive'
        | 'campaign'
        | 'local'
        | 'drain'
        | 'restart'
        | 'compact'
        | 'read'
        | 'forget';
      readonly node: number;
    }
  | { readonly type: 'deliver' | 'drop' | 'duplicate'; readonly message: number }
  | { readonly type: 'propose'; readonly node: number; readonly size: number }
  | { readonly type: 'change'; readonly node: number; readonly change: ConfChange; readonly isV1: boolean }
  | { readonly type: 'transfer' | 'unreachable'; readonly node: number; readonly target: number }
  | { readonly type: 'snapshotStatus'; readonly node: number; readonly target: number; readonly failed: boolean }
  | { readonly type: 'snapshotBusy'; readonly node: number; readonly busy: boolean }
  | { readonly type: 'isolate'; readonly node: number }
  | { readonly type: 'settle'; readonly rounds: number };

/** How the nodes of a run behave. */
export interface SimulationOptions {
  /** The first members. */
  readonly voters: number;
  /** Nodes that are no members at first. */
  readonly spares: number;
  readonly asyncStorageWrites: boolean;
  readonly batchAppends: boolean;
  readonly preVote: boolean;
  readonly checkQuorum: boolean;
  readonly stepDownOnRemoval: boolean;
  readonly maxInflightMessages: number;
  readonly maxSizePerMessage: number;
  readonly maxCommittedSizePerReady: number;
}

/** Nodes at most, members or not. */
export const maxNodes = 7;
/** What every first member has applied at the start. */
const firstApplied = 5;
/** The network keeps no more messages than this: the oldest get lost. */
const networkCapacity = 200;

/** A cluster under random actions, all of whose invariants are checked after each. */
export class Simulation {
  readonly nodes: readonly SimulatedNode[];
  readonly cluster: ClusterLog;
  #network: Message[] = [];
  /** A node that nobody hears; 0 is none. */
  #isolated = 0;
  #proposals = 0;

  constructor(options: SimulationOptions) {
    this.cluster = new ClusterLog(firstApplied);
    const { voters: count, spares, ...rest } = options;
    const voters = Array.from({ length: count }, (_, position) => position + 1);
    const config = { ...rest, electionTick: 3, heartbeatTick: 1 };
    this.nodes = Array.from({ length: Math.min(count + spares, maxNodes) }, (_, position) => {
      const isMember = position < count;
      const disk = new Disk(confState(isMember ? voters : []), isMember ? firstApplied : 0);
      return new SimulatedNode(position + 1, config, disk, this.cluster, (message) => this.#send(message));
    });
  }

  /** @throws {InvariantError} when an invariant does not hold. */
  perform(action: Action): void {
    switch (action.type) {
      case 'deliver':
      case 'drop':
      case 'duplicate':
        this.#handleMessage(action.type, action.message);
        break;
      case 'settle':
        this.#settle(action.rounds);
        break;
      case 'receive':
        this.#receiveAll(this.#target(action));
        break;
      case 'isolate':
        this.#isolated = action.node % (this.nodes.length + 1);
        break;
      default:
        performOnNode(this.#target(action), action, () => this.#nextProposal());
    }
    for (const node of this.nodes) node.noticeLeadership();
  }

  /** Half of what only a leader can do goes to the one of the highest term, if there is one. */
  #target(action: NodeAction | (Action & { readonly type: 'receive' })): SimulatedNode {
    const leaders = this.nodes.filter((node) => node.core.isLeader).sort((a, b) => b.core.term - a.core.term);
    const isForLeader = ['propose', 'change', 'transfer', 'unreachable', 'snapshotStatus'].includes(action.type);
    if (isForLeader && action.node % 2 === 0 && leaders.length > 0) return leaders[0]!;
    return this.nodes[action.node % this.nodes.length]!;
  }

  #nextProposal(): number {
    this.#proposals += 1;
    return this.#proposals;
  }

  #send(message: Message): void {
    if (message.from === this.#isolated || message.to === this.#isolated) return;
    if (this.#network.length >= networkCapacity) this.#network.shift();
    this.#network.push(message);
  }

  #handleMessage(type: 'deliver' | 'drop' | 'duplicate', choice: number): void {
    if (this.#network.length === 0) return;
    const position = choice % this.#network.length;
    const message = this.#network[position]!;
    if (type !== 'duplicate') this.#network.splice(position, 1);
    if (type !== 'drop') this.nodes[message.to - 1]?.receive(message);
  }

  /** Delivers all that is on its way to a node, in order. */
  #receiveAll(node: SimulatedNode): void {
    const mine = this.#network.filter((message) => message.to === node.id);
    this.#network = this.#network.filter((message) => message.to !== node.id);
    for (const message of mine) node.receive(message);
  }

  /** Lets time pass while everything works, so that something gets done. */
  #settle(rounds: number): void {
    for (let round = 0; round < rounds; round += 1) {
      for (const node of this.nodes) {
        node.core.tick();
        node.drain();
      }
      for (let hop = 0; hop < 4; hop += 1) {
        const messages = this.#network;
        this.#network = [];
        for (const message of messages) this.nodes[message.to - 1]?.receive(message);
        for (const node of this.nodes) node.drain();
      }
    }
  }
}

type NodeAction = Exclude<
  Action,
  { readonly type: 'deliver' | 'drop' | 'duplicate' | 'receive' | 'settle' | 'isolate' }
>;

function performOnNode(node: SimulatedNode, action: NodeAction, nextProposal: () => number): void {
  const { core } = node;
  switch (action.type) {
    case 'tick':
      for (let count = 0; count < action.ticks; count += 1) core.tick();
      break;
    case 'ready':
      node.processReady(action.interruption);
      break;
    case 'append':
      node.processAppend();
      break;
    case 'apply':
      node.processApply();
      break;
    case 'local':
      node.processLocal();
      break;
    case 'drain':
      node.drain();
      break;
    case 'restart':
      node.restart();
      break;
    case 'compact':
      node.compact();
      break;
    case 'read':
      node.read();
      break;
    case 'campaign':
      core.campaign();
      break;
    case 'forget':
      core.forgetLeader();
      break;
    case 'propose': {
      const data = new Uint8Array(4 + action.size);
      new DataView(data.buffer).setUint32(0, nextProposal());
      core.propose(data);
      break;
    }
    case 'change':
      core.proposeConfChange(action.change, action.isV1 ? 'confChange' : 'confChangeV2');
      break;
    case 'transfer':
      core.transferLeader((action.target % maxNodes) + 1);
      break;
    case 'unreachable':
      core.reportUnreachable((action.target % maxNodes) + 1);
      break;
    case 'snapshotStatus':
      core.reportSnapshot((action.target % maxNodes) + 1, action.failed ? 'failed' : 'finished');
      break;
    case 'snapshotBusy':
      node.disk.isSnapshotBusy = action.busy;
      break;
  }
}

/** A change of membership out of random parts. */
export function makeChange(
  transition: ConfChangeTransition,
  steps: readonly { readonly kind: ConfChangeKind; readonly node: number }[],
): ConfChange {
  return {
    transition,
    steps: steps.map(({ kind, node }) => ({ kind, nodeId: (node % maxNodes) + 1 })),
    context: new Uint8Array(0),
  };
}

function confState(voters: readonly number[]): ConfState {
  return { voters, votersOutgoing: [], learners: [], learnersNext: [], autoLeave: false };
}
