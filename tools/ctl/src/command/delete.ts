import { type Command, withConnection } from '../command-context.ts';
import { exitCode } from '../exit-code.ts';
import { type EncodingOptions, encodingOf, keyFromArgument } from '../text-argument.ts';

/** `delete KEY`: removes a pair; removing one that is not there succeeds too. */
export const deleteKey: Command<{ readonly key: string } & EncodingOptions> = async (context, args) => {
  const { terminal } = context;
  const key = keyFromArgument(args.key, encodingOf(args));
  await withConnection(context, (connection) => connection.delete(key, context.interrupt));
  if (context.options.json) await terminal.write('{"ok":true}\n');
  else if (terminal.isOutputTty) await terminal.write(`${terminal.style('output', 'green', 'ok')}\n`);
  return exitCode.ok;
};
