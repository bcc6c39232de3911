import type { Pair } from '@flotilla/client';
import { asBuffer } from '@flotilla/protocol';
import type { KeyRange } from '../cluster-connection.ts';
import { type Command, type CommandContext, CommandError, withConnection } from '../command-context.ts';
import { exitCode } from '../exit-code.ts';
import { grouped } from '../load/progress.ts';
import { bytesFromArgument, type EncodingOptions, encodingOf } from '../text-argument.ts';
import { type TextEncoding, textFromBytes } from '../text-encoding.ts';
import { escapeTsvField } from '../tsv-field.ts';
import { jsonPair } from './json-pair.ts';

/** Arguments of `scan`. */
export interface ScanArguments extends EncodingOptions {
  readonly start?: string | undefined;
  readonly end?: string | undefined;
  readonly prefix?: string | undefined;
  /** The most pairs; no limit when absent. */
  readonly limit?: number | undefined;
  readonly keysOnly?: boolean | undefined;
}

/**
 * `scan [START] [END]`: prints pairs in key order, START included and END excluded, page after page: as TSV, or with
 * `--json` as NDJSON; `load` reads both. Each page is consistent in itself; the scan as a whole is not a snapshot.
 */
export const scan: Command<ScanArguments> = async (context, args) => {
  const encoding = encodingOf(args);
  const range = rangeOf(args, encoding);
  return withConnection(context, async (connection) => {
    let printed = 0;
    for await (const page of connection.scanPages(range, args.limit, context.interrupt)) {
      await context.terminal.write(render(page, context, args, encoding));
      printed += page.length;
    }
    if (context.terminal.isOutputTty && context.terminal.isErrorTty) {
      const noun = printed === 1 ? 'record' : 'records';
      context.terminal.writeError(`${context.terminal.style('error', 'dim', `${grouped(printed)} ${noun}`)}\n`);
    }
    return exitCode.ok;
  });
};

function rangeOf(args: ScanArguments, encoding: TextEncoding): KeyRange {
  if (args.prefix !== undefined) {
    if (args.start !== undefined) throw new CommandError('--prefix and START exclude each other', exitCode.usage);
    const prefix = bytesFromArgument('--prefix', args.prefix, encoding);
    return { start: prefix, end: endOfPrefix(prefix) };
  }
  const start = bytesFromArgument('START', args.start ?? '', encoding);
  const end = bytesFromArgument('END', args.end ?? '', encoding);
  if (end.length > 0 && Buffer.compare(start, end) > 0) {
    throw new CommandError('START comes after END; nothing can lie between them', exitCode.usage);
  }
  return { start, end };
}

/** The first key after all that begin with `prefix`; empty, the end of all keys, when there is none. */
export function endOfPrefix(prefix: Uint8Array): Uint8Array {
  let length = prefix.length;
  while (length > 0 && prefix[length - 1] === 0xff) length -= 1;
  const end = Uint8Array.from(prefix.subarray(0, length));
  if (length > 0) end[length - 1] = end[length - 1]! + 1;
  return end;
}

function render(
  page: readonly Pair[],
  { terminal, options }: CommandContext,
  { keysOnly }: ScanArguments,
  encoding: TextEncoding,
): Uint8Array {
  const pieces: Uint8Array[] = [];
  const field = (bytes: Uint8Array): Uint8Array =>
    encoding === 'utf8' ? escapeTsvField(bytes) : Buffer.from(textFromBytes(bytes, encoding));
  for (const { key, value } of page) {
    if (options.json) {
      pieces.push(Buffer.from(jsonPair(key, keysOnly === true ? undefined : value, encoding)));
    } else {
      const keyField = field(key);
      const isText = terminal.isOutputTty;
      pieces.push(isText ? Buffer.from(terminal.style('output', 'cyan', printable(keyField))) : keyField);
      if (keysOnly !== true) {
        const valueField = field(value);
        pieces.push(tab, isText ? Buffer.from(printable(valueField)) : valueField);
      }
    }
    pieces.push(lineEnd);
  }
  return Buffer.concat(pieces);
}

const tab = Buffer.from('\t');
const lineEnd = Buffer.from('\n');

/** Text that a terminal shows without obeying it: control characters are replaced. */
function printable(bytes: Uint8Array): string {
  return asBuffer(bytes)
    .toString('utf8')
    .replace(/\p{Cc}/gu, '\u{fffd}');
}
