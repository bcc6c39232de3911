import { type Command, withConnection } from '../command-context.ts';
import { exitCode } from '../exit-code.ts';
import { type EncodingOptions, encodingOf, keyFromArgument } from '../text-argument.ts';
import { textFromBytes } from '../text-encoding.ts';
import { jsonPair } from './json-pair.ts';

/**
 * `get KEY`: prints the value as it is stored, and nothing else; on a terminal a line end follows. An absent key prints
 * nothing on standard output and exits with 1.
 */
export const get: Command<{ readonly key: string } & EncodingOptions> = async (context, args) => {
  const { terminal, options } = context;
  const encoding = encodingOf(args);
  const key = keyFromArgument(args.key, encoding);
  const value = await withConnection(context, (connection) => connection.get(key, context.interrupt));
  if (value === undefined) {
    if (terminal.isErrorTty) terminal.writeError(`${terminal.style('error', 'dim', 'not found')}\n`);
    return exitCode.notFound;
  }
  if (options.json) await terminal.write(`${jsonPair(key, value, encoding)}\n`);
  else if (encoding !== 'utf8') await terminal.write(`${textFromBytes(value, encoding)}\n`);
  else {
    await terminal.write(value);
    if (terminal.isOutputTty) await terminal.write('\n');
  }
  return exitCode.ok;
};
