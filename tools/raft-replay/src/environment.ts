import {
  appendThread,
  applyThread,
  type Message,
  type MessageType,
  type Snapshot,
  type StepOutcome,
} from '@flotilla/raft';
import { CommandError } from './arguments.ts';
import { InteractionNode, type NodeOptions } from './interaction-node.ts';
import { Output } from './output.ts';
import { printMessage, printReady } from './print.ts';

/** Whom to deliver to, or whose messages to drop. */
export interface Recipient {
  readonly id: number;
  readonly drop: boolean;
}

const stepErrors: Readonly<Record<Exclude<StepOutcome, 'ok'>, string>> = {
  proposalDropped: 'raft proposal dropped',
  stepLocalMessage: 'raft: cannot step raft local message',
  stepPeerNotFound: 'raft: cannot step as peer not found',
  stepMalformed: 'raft: malformed message',
};

/** Nodes, the network between them, and the work of their storage threads; everything that happens is printed. */
export class Environment {
  readonly output: Output = new Output();
  readonly nodes: InteractionNode[] = [];
  #queue: Message[] = [];

  /** @throws {CommandError} when there is no such node. */
  node(id: number): InteractionNode {
    const node = this.nodes[id - 1];
    if (node === undefined) throw new CommandError(`unknown node ${id}`);
    return node;
  }

  addNodes(count: number, options: NodeOptions, bootstrap: Snapshot | undefined): void {
    for (let added = 0; added < count; added += 1) {
      this.nodes.push(new InteractionNode(this.nodes.length + 1, options, bootstrap));
    }
  }

  /** Puts a message on the network without any core. */
  inject(message: Message): void {
    this.#queue.push(message);
    this.output.write(printMessage(message));
  }

  processReady(node: InteractionNode): void {
    const ready = node.core.ready();
    this.output.write(printReady(ready));
    if (!node.options.asyncStorageWrites) {
      node.persist(ready);
      node.apply(ready.committedEntries);
      this.#queue.push(...ready.messages);
      node.core.advance();
      return;
    }
    for (const message of ready.messages) {
      if (message.to === appendThread) node.appendWork.push(message);
      else if (message.to === applyThread) node.applyWork.push(message);
      else this.#queue.push(message);
    }
  }

  processAppend(node: InteractionNode): void {
    const work = node.appendWork.shift();
    if (work === undefined) {
      this.output.write('no append work to perform');
      return;
    }
    this.#printWork(work);
    const { term, vote, commit, entries, snapshot } = work;
    node.persist({ hardState: { term, vote, commit }, entries, snapshot });
    this.#respond(work);
  }

  processApply(node: InteractionNode): void {
    const work = node.applyWork.shift();
    if (work === undefined) {
      this.output.write('no apply work to perform');
      return;
    }
    this.#printWork(work);
    node.apply(work.entries);
    this.#respond(work);
  }

  /** Delivers or drops what is queued for each recipient, in order; answers how many messages there were. */
  deliver(recipients: readonly Recipient[], type: MessageType | undefined): number {
    let handled = 0;
    for (const recipient of recipients) {
      const messages = this.#extract(recipient, type);
      handled += messages.length;
      for (const message of messages) {
        this.output.write(`${recipient.drop ? 'dropped: ' : ''}${printMessage(message)}`);
        if (recipient.drop) continue;
        const outcome = this.node(message.to).core.step(message);
        if (outcome !== 'ok') this.output.write(stepErrors[outcome]);
      }
    }
    return handled;
  }

  /** Lets the nodes work until none of them has anything to do. */
  stabilize(nodes: readonly InteractionNode[]): void {
    while (this.#stabilizeOnce(nodes));
  }

  #stabilizeOnce(nodes: readonly InteractionNode[]): boolean {
    let worked = false;
    const work = (header: string, body: () => void): void => {
      worked = true;
      this.output.block(header, body);
    };
    for (const node of nodes) {
      if (node.core.hasReady()) work(`> ${node.id} handling Ready`, () => this.processReady(node));
    }
    for (const node of nodes) {
      if (!this.#queue.some((message) => message.to === node.id)) continue;
      work(`> ${node.id} receiving messages`, () => this.deliver([{ id: node.id, drop: false }], undefined));
    }
    for (const node of nodes) {
      if (node.appendWork.length === 0) continue;
      work(`> ${node.id} processing append thread`, () => {
        while (node.appendWork.length > 0) this.processAppend(node);
      });
    }
    for (const node of nodes) {
      if (node.applyWork.length === 0) continue;
      work(`> ${node.id} processing apply thread`, () => {
        while (node.applyWork.length > 0) this.processApply(node);
      });
    }
    return worked;
  }

  #printWork(work: Message): void {
    this.output.write('Processing:');
    this.output.write(printMessage({ ...work, responses: [] }));
  }

  #respond(work: Message): void {
    this.output.write('Responses:');
    for (const response of work.responses) this.output.write(printMessage(response));
    this.#queue.push(...work.responses);
  }

  #extract(recipient: Recipient, type: MessageType | undefined): readonly Message[] {
    const extracted: Message[] = [];
    const rest: Message[] = [];
    for (const message of this.#queue) {
      const isWanted = message.to === recipient.id && (type === undefined || message.type === type);
      if (isWanted && !(recipient.drop && isLocal(message))) extracted.push(message);
      else rest.push(message);
    }
    this.#queue = rest;
    return extracted;
  }
}

/** Messages of a node to itself, or between it and its storage threads, never get lost. */
function isLocal(message: Message): boolean {
  return (
    message.from === message.to || [message.from, message.to].some((id) => id === appendThread || id === applyThread)
  );
}
