import { mkdirSync, writeFileSync } from 'node:fs';
import { runCommand } from './command.ts';

/** Who has a network of their own: the scheduler, the clients, or a node by its number from 0. */
export type NetworkMember = 'scheduler' | 'clients' | number;

/** Networks begin with these numbers; the third is the member's. */
const prefix = '10.77';
const firstRule = 1_000;

/**
 * A network for each member, joined by a router: this process's own. Packets that are cut are dropped in the router, without a
 * word to anybody, in one direction each; the router itself reaches everybody at all times.
 *
 * Only for a process that is isolated: it changes the network that the process sees.
 */
export class Network {
  readonly #members: readonly NetworkMember[];
  /** How many cuts hold for a pair, by the number of its rule. */
  readonly #cuts = new Map<number, number>();

  private constructor(members: readonly NetworkMember[]) {
    this.#members = members;
  }

  /** @throws {SystemCommandError} when this system does not have what it takes. */
  static create(nodes: number): Network {
    // Where `ip netns` keeps the names; the mount is visible here alone.
    runCommand('mount', '-t', 'tmpfs', 'tmpfs', '/run');
    mkdirSync('/run/netns');
    writeFileSync('/proc/sys/net/ipv4/ip_forward', '1');
    const network = new Network(['scheduler', 'clients', ...Array.from({ length: nodes }, (_, node) => node)]);
    for (const member of network.#members) network.#join(member);
    return network;
  }

  /** The address that a member listens on. */
  addressOf(member: NetworkMember): string {
    return `${prefix}.${this.#numberOf(member)}.2`;
  }

  /** Puts a command into a member's network. */
  launcherOf(member: NetworkMember): readonly string[] {
    return ['nsenter', `--net=/run/netns/${this.#nameOf(member)}`];
  }

  /** Everybody but `member`. */
  othersThan(member: NetworkMember): readonly NetworkMember[] {
    return this.#members.filter((other) => other !== member);
  }

  /** Drops what `from` sends to `to`, until what it returns is called. Cuts of the same may overlap. */
  cut(from: NetworkMember, to: NetworkMember): () => void {
    const rule = firstRule + this.#numberOf(from) * 100 + this.#numberOf(to);
    const selector = ['from', this.addressOf(from), 'to', this.addressOf(to), 'blackhole'];
    const change = (verb: 'add' | 'del', by: number): void => {
      const cuts = (this.#cuts.get(rule) ?? 0) + by;
      this.#cuts.set(rule, cuts);
      if (cuts === (by > 0 ? 1 : 0)) runCommand('ip', 'rule', verb, 'pref', String(rule), ...selector);
    };
    change('add', 1);
    let isHealed = false;
    return () => {
      if (!isHealed) change('del', -1);
      isHealed = true;
    };
  }

  #join(member: NetworkMember): void {
    const [name, number] = [this.#nameOf(member), this.#numberOf(member)];
    const here = `to-${number}`;
    runCommand('ip', 'netns', 'add', name);
    runCommand('ip', 'link', 'add', here, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', name);
    runCommand('ip', 'addr', 'add', `${prefix}.${number}.1/24`, 'dev', here);
    runCommand('ip', 'link', 'set', here, 'up');
    runCommand('ip', '-n', name, 'addr', 'add', `${this.addressOf(member)}/24`, 'dev', 'eth0');
    runCommand('ip', '-n', name, 'link', 'set', 'lo', 'up');
    runCommand('ip', '-n', name, 'link', 'set', 'eth0', 'up');
    runCommand('ip', '-n', name, 'route', 'add', 'default', 'via', `${prefix}.${number}.1`);
  }

  #nameOf(member: NetworkMember): string {
    return typeof member === 'number' ? `node-${member + 1}` : member;
  }

  #numberOf(member: NetworkMember): number {
    return this.#members.indexOf(member) + 1;
  }
}
