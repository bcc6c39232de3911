import type { HealthStatus, ServiceInfo, ServiceList } from '@flotilla/coordination';
import Table from 'cli-table3';
import type { Command, CommandContext } from '../command-context.ts';
import { exitCode } from '../exit-code.ts';
import { firstAbort } from './first-abort.ts';
import { withCoordinator } from './with-coordinator.ts';

const healthy: HealthStatus = 'healthy';

/** The instance to register. */
export interface RegisterArguments {
  readonly name: string;
  readonly instance: string;
  readonly address: string;
  readonly metadata: Readonly<Record<string, string>>;
}

/** `service register NAME INSTANCE ADDRESS`: registers an instance and keeps it registered until Ctrl-C. */
export const serviceRegister: Command<RegisterArguments> = (context, { name, instance, address, metadata }) =>
  withCoordinator(context, async (coordinator) => {
    const { interrupt: signal, terminal, options } = context;
    const registered = await coordinator
      .serviceRegistry()
      .register({ name, instanceId: instance, address, metadata }, { signal, check: 'none' });
    const { info } = registered;
    await terminal.write(options.json ? `${JSON.stringify(info)}\n` : `registered ${name}/${instance} at ${address}\n`);
    const ended = await firstAbort(signal, registered.signal);
    if (ended === signal) {
      // Taken out here, so that whoever watches hears of it before this program has ended.
      await registered.close();
      signal.throwIfAborted();
    }
    const reason = registered.signal.reason === 'superseded' ? 'another process registered it' : 'it was deregistered';
    terminal.writeError(`${terminal.style('error', 'red', 'error:')} ${reason}\n`);
    return exitCode.lockLost;
  });

/** Which instances to show. */
export interface ServiceListArguments {
  readonly name: string;
  readonly all?: boolean | undefined;
}

/** `service list NAME`: the instances of a service. */
export const serviceList: Command<ServiceListArguments> = (context, { name, all }) =>
  withCoordinator(context, async (coordinator) => {
    const query = { includeUnhealthy: all, signal: context.interrupt };
    const list = await coordinator.serviceRegistry().discover(name, query);
    await context.terminal.write(rendered(context, list));
    return list.instances.length === 0 ? exitCode.notFound : exitCode.ok;
  });

/** `service watch NAME`: the instances at each change, until Ctrl-C. */
export const serviceWatch: Command<ServiceListArguments> = (context, { name, all }) =>
  withCoordinator(context, async (coordinator) => {
    const { interrupt: signal, terminal } = context;
    await using lists = coordinator.serviceRegistry().watch(name, { includeUnhealthy: all, signal });
    const clear = terminal.isOutputTty ? '\u001b[2J\u001b[H' : '';
    for await (const list of lists) await terminal.write(`${clear}${rendered(context, list)}`);
    signal.throwIfAborted();
    return exitCode.ok;
  });

function rendered({ terminal, options }: CommandContext, list: ServiceList): string {
  if (options.json) return `${json(list)}\n`;
  const table = new Table({
    head: ['instance', 'address', 'health', 'since', 'metadata'].map((name) => terminal.style('output', 'bold', name)),
    style: { head: [], border: [], compact: true },
  });
  for (const info of list.instances) {
    const style = info.health === healthy ? 'green' : 'red';
    table.push([
      info.instanceId,
      info.address,
      terminal.style('output', style, healthText(info)),
      info.registerTime.toISOString(),
      Object.entries(info.metadata)
        .map(([key, value]) => `${key}=${value}`)
        .join(' '),
    ]);
  }
  const count = `${list.name}: ${list.instances.length} instance${list.instances.length === 1 ? '' : 's'}`;
  const doubt = list.isStale ? `, as known at ${list.staleSince?.toISOString() ?? 'an earlier time'}` : '';
  return `${count}${doubt}\n${list.instances.length === 0 ? '' : `${table.toString()}\n`}`;
}

function healthText({ health, isDraining }: ServiceInfo): string {
  return isDraining ? `${health}, draining` : health;
}

function json({ revision, retained, ...list }: ServiceList): string {
  return JSON.stringify({ ...list, revision: String(revision), retained: [...retained] });
}
