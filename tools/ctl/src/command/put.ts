import { type Command, CommandError, withConnection } from '../command-context.ts';
import { exitCode } from '../exit-code.ts';
import { tooLarge } from '../load/record-line.ts';
import { bytesFromArgument, type EncodingOptions, encodingOf, keyFromArgument } from '../text-argument.ts';

/** `put KEY VALUE`: writes one pair; the value `-` is read from standard input, byte for byte unless encoded. */
export const put: Command<{ readonly key: string; readonly value: string } & EncodingOptions> = async (
  context,
  args,
) => {
  const { terminal } = context;
  const encoding = encodingOf(args);
  const key = keyFromArgument(args.key, encoding);
  return withConnection(context, async (connection) => {
    const { maxKeyBytes, maxValueBytes } = connection.limits;
    if (key.length > maxKeyBytes) throw new CommandError(tooLarge('key', key.length, maxKeyBytes), exitCode.badData);
    const value =
      args.value === '-'
        ? await readInput(
            terminal.input,
            maxValueBytes,
            (text) => bytesFromArgument('VALUE', text, encoding),
            encoding !== 'utf8',
          )
        : bytesFromArgument('VALUE', args.value, encoding);
    if (value.length > maxValueBytes) {
      throw new CommandError(tooLarge('value', value.length, maxValueBytes), exitCode.badData);
    }
    await connection.put(key, value, context.interrupt);
    if (context.options.json) await terminal.write('{"ok":true}\n');
    else if (terminal.isOutputTty) await terminal.write(`${terminal.style('output', 'green', 'ok')}\n`);
    return exitCode.ok;
  });
};

async function readInput(
  input: AsyncIterable<Uint8Array>,
  maxValueBytes: number,
  decode: (text: string) => Uint8Array,
  isEncoded: boolean,
): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  // Twice the limit covers hexadecimal, the longest of the encodings; what is longer is refused without reading it all.
  const most = isEncoded ? maxValueBytes * 2 + 2 : maxValueBytes;
  for await (const chunk of input) {
    chunks.push(chunk);
    length += chunk.length;
    if (length > most)
      throw new CommandError(`value has more than ${maxValueBytes} bytes, the limit`, exitCode.badData);
  }
  const bytes = Buffer.concat(chunks);
  return isEncoded ? decode(bytes.toString('latin1').trim()) : bytes;
}
