import type { ConfigChange, ConfigValue, ConfigVersion } from '@flotilla/coordination';
import Table from 'cli-table3';
import { type Command, type CommandContext, CommandError } from '../command-context.ts';
import { exitCode } from '../exit-code.ts';
import { escapeTsvField } from '../tsv-field.ts';
import { withCoordinator } from './with-coordinator.ts';

/** Which value, and for writes whose. */
export interface ConfigKeyArguments {
  readonly key: string;
}

/** What writes take. */
export interface ConfigWriteArguments extends ConfigKeyArguments {
  readonly ifVersion?: bigint | undefined;
  readonly author?: string | undefined;
  readonly comment?: string | undefined;
}

/** `config get KEY`: prints the value as it is stored, or with `--at` that of an earlier version. */
export const configGet: Command<ConfigKeyArguments & { readonly at?: bigint | undefined }> = (context, { key, at }) =>
  withCoordinator(context, async (coordinator) => {
    const { terminal, options, interrupt: signal } = context;
    const center = coordinator.configCenter();
    const found =
      at === undefined ? await center.get(key, { signal }) : await center.getHistoryVersion(key, at, { signal });
    if (found?.value === undefined) return notFound(context);
    if (options.json) await terminal.write(`${json(found)}\n`);
    else await terminal.write(terminal.isOutputTty ? `${found.value}\n` : found.value);
    return exitCode.ok;
  });

/** `config set KEY VALUE`: sets a value and prints its version. */
export const configSet: Command<ConfigWriteArguments & { readonly value: string }> = async (context, args) => {
  const value = args.value === '-' ? await readInput(context) : args.value;
  return withCoordinator(context, async (coordinator) => {
    const { ifVersion: version, author, comment } = args;
    const options = { version, author, comment, signal: context.interrupt };
    return tellVersion(context, await coordinator.configCenter().set(args.key, value, options));
  });
};

/** `config delete KEY`: deletes a value; its history stays. */
export const configDelete: Command<ConfigWriteArguments> = (context, { key, ifVersion: version, author, comment }) =>
  withCoordinator(context, async (coordinator) => {
    const options = { version, author, comment, signal: context.interrupt };
    const existed = await coordinator.configCenter().delete(key, options);
    return existed ? exitCode.ok : notFound(context);
  });

/** `config list [PREFIX]`: the keys that begin with a prefix, with their versions and values. */
export const configList: Command<{ readonly prefix: string }> = (context, { prefix }) =>
  withCoordinator(context, async (coordinator) => {
    const { values } = await coordinator.configCenter().list(prefix, { signal: context.interrupt });
    for (const found of values) {
      const line = context.options.json ? json(found) : tsv(found.key, String(found.version), found.value);
      await context.terminal.write(`${line}\n`);
    }
    return exitCode.ok;
  });

/** `config history KEY`: the latest versions, the oldest first; of a deleted key too. */
export const configHistory: Command<ConfigKeyArguments & { readonly limit: number }> = (context, { key, limit }) =>
  withCoordinator(context, async (coordinator) => {
    const versions = await coordinator.configCenter().getHistory(key, limit, { signal: context.interrupt });
    if (versions.length === 0) return notFound(context);
    if (context.options.json) {
      for (const version of versions) await context.terminal.write(`${json(version)}\n`);
    } else await context.terminal.write(historyTable(context, versions));
    return exitCode.ok;
  });

/** `config rollback KEY VERSION`: sets the value of an earlier version again. */
export const configRollback: Command<ConfigWriteArguments & { readonly version: bigint }> = (context, args) =>
  withCoordinator(context, async (coordinator) => {
    const { ifVersion: version, author, comment } = args;
    const options = { version, author, comment, signal: context.interrupt };
    return tellVersion(context, await coordinator.configCenter().rollback(args.key, args.version, options));
  });

/** `config diff KEY FROM TO`: what changed between two versions. */
export const configDiff: Command<ConfigKeyArguments & { readonly from: bigint; readonly to: bigint }> = (
  context,
  { key, from, to },
) =>
  withCoordinator(context, async (coordinator) => {
    const { terminal, options, interrupt: signal } = context;
    const { lines, json: fields } = await coordinator.configCenter().diff(key, from, to, { signal });
    if (options.json) {
      await terminal.write(
        `${JSON.stringify({ key, from: String(from), to: String(to), lines, fields: fields ?? null })}\n`,
      );
      return exitCode.ok;
    }
    const marks = { same: ' ', removed: '-', added: '+' } as const;
    const styles = { same: 'reset', removed: 'red', added: 'green' } as const;
    for (const { type, line } of lines) {
      await terminal.write(`${terminal.style('output', styles[type], `${marks[type]}${line}`)}\n`);
    }
    return exitCode.ok;
  });

/** Which changes to show. */
export interface ConfigWatchArguments extends ConfigKeyArguments {
  readonly prefix?: boolean | undefined;
  readonly initial?: boolean | undefined;
  readonly from?: bigint | undefined;
}

/** `config watch KEY`: each change in a line, until Ctrl-C. */
export const configWatch: Command<ConfigWatchArguments> = (context, { key, prefix, initial, from }) =>
  withCoordinator(context, async (coordinator) => {
    const { terminal, interrupt: signal } = context;
    const center = coordinator.configCenter();
    const options = { signal, initial, fromVersion: from };
    await using changes = prefix === true ? center.watchPrefix(key, options) : center.watch(key, options);
    await changes.ready();
    if (terminal.isErrorTty) terminal.writeError(`${terminal.style('error', 'dim', 'watching; Ctrl-C ends it')}\n`);
    for await (const change of changes) await terminal.write(changeLines(change, context.options.json));
    signal.throwIfAborted();
    return exitCode.ok;
  });

function changeLines(change: ConfigChange, asJson: boolean): string {
  if (asJson) return `${json(change)}\n`;
  const { type, version } = change;
  if (type !== 'reset') return `${tsv(type, change.key, String(version), change.newValue ?? '')}\n`;
  const values = change.values.map((found) => tsv('value', found.key, String(found.version), found.value));
  return `${[tsv(type, '', String(version), ''), ...values].join('\n')}\n`;
}

function historyTable({ terminal }: CommandContext, versions: readonly ConfigVersion[]): string {
  const names = ['version', 'type', 'time', 'author', 'comment', 'value'];
  const table = new Table({
    head: names.map((name) => terminal.style('output', 'bold', name)),
    style: { head: [], border: [], compact: true },
  });
  for (const { version, type, createTime, author, comment, value } of versions) {
    table.push([String(version), type, createTime.toISOString(), author ?? '', comment ?? '', shorten(value ?? '')]);
  }
  return `${table.toString()}\n`;
}

const shownCharacters = 60;

/** Enough of a value to know it by, on one line. */
function shorten(value: string): string {
  const line = value.replaceAll(/\s+/g, ' ');
  return line.length > shownCharacters ? `${line.slice(0, shownCharacters - 1)}…` : line;
}

async function tellVersion({ terminal, options }: CommandContext, written: ConfigValue): Promise<number> {
  await terminal.write(options.json ? `${json(written)}\n` : `${written.version}\n`);
  return exitCode.ok;
}

function notFound({ terminal }: CommandContext): number {
  if (terminal.isErrorTty) terminal.writeError(`${terminal.style('error', 'dim', 'not found')}\n`);
  return exitCode.notFound;
}

async function readInput({ terminal }: CommandContext): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of terminal.input) chunks.push(chunk);
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(Buffer.concat(chunks));
  } catch (cause) {
    throw new CommandError('VALUE is not UTF-8', exitCode.badData, { cause });
  }
}

/** Versions are texts, because numbers of JSON hold no more than 53 bits. */
function json(value: unknown): string {
  return JSON.stringify(value, (_name, field: unknown) => (typeof field === 'bigint' ? String(field) : field));
}

function tsv(...fields: readonly string[]): string {
  return fields.map((field) => Buffer.from(escapeTsvField(Buffer.from(field))).toString('utf8')).join('\t');
}
