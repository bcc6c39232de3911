import type { Coordinator } from '@flotilla/coordination';
import { type Command, type CommandContext, CommandError } from '../command-context.ts';
import { exitCode } from '../exit-code.ts';
import { firstAbort } from './first-abort.ts';
import { withCoordinator } from './with-coordinator.ts';

/** Which office, and what is told of its holder. */
export interface ElectArguments {
  readonly name: string;
  readonly value?: string | undefined;
  readonly listen?: boolean | undefined;
  readonly ttlMs?: number | undefined;
}

/** `elect NAME VALUE`: stands for an office and holds it until Ctrl-C; with `--listen` it tells who holds it. */
export const elect: Command<ElectArguments> = async (context, args) => {
  if ((args.listen === true) === (args.value !== undefined)) {
    throw new CommandError('either a VALUE to stand with, or --listen', exitCode.usage);
  }
  return withCoordinator(context, (coordinator) =>
    args.value === undefined ? listen(context, coordinator, args.name) : stand(context, coordinator, args, args.value),
  );
};

async function stand(
  context: CommandContext,
  coordinator: Coordinator,
  { name, ttlMs }: ElectArguments,
  value: string,
): Promise<number> {
  const { interrupt: signal, terminal } = context;
  const leadership = await coordinator.election(name).campaign(value, { ttlMs, signal });
  const token = String(leadership.fencingToken);
  const text = context.options.json ? JSON.stringify({ value, fencingToken: token }) : `${value}\t${token}`;
  await terminal.write(`${text}\n`);
  const ended = await firstAbort(signal, leadership.signal);
  if (ended === signal) {
    await leadership.resign();
    signal.throwIfAborted();
  }
  terminal.writeError(`${terminal.style('error', 'red', 'error:')} the office was lost\n`);
  return exitCode.lockLost;
}

async function listen(context: CommandContext, coordinator: Coordinator, name: string): Promise<number> {
  const { interrupt: signal, terminal, options } = context;
  for await (const leader of coordinator.election(name).observe({ signal })) {
    const value = leader === undefined ? null : Buffer.from(leader.value).toString('utf8');
    const token = leader === undefined ? null : String(leader.fencingToken);
    const text = options.json ? JSON.stringify({ value, fencingToken: token }) : [value ?? '', token ?? ''].join('\t');
    await terminal.write(`${text}\n`);
  }
  signal.throwIfAborted();
  return exitCode.ok;
}
