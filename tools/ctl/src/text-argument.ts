import { CommandError } from './command-context.ts';
import { exitCode } from './exit-code.ts';
import { bytesFromText, describeEncoding, type TextEncoding } from './text-encoding.ts';

/** How a command's keys and values are written: `--hex`, `--base64`, or UTF-8. */
export interface EncodingOptions {
  readonly hex?: boolean | undefined;
  readonly base64?: boolean | undefined;
}

/** @throws {CommandError} when both are asked for. */
export function encodingOf(options: EncodingOptions): TextEncoding {
  if (options.hex === true && options.base64 === true) {
    throw new CommandError('--hex and --base64 exclude each other', exitCode.usage);
  }
  if (options.hex === true) return 'hex';
  return options.base64 === true ? 'base64' : 'utf8';
}

/** @throws {CommandError} when `text` is not what the encoding asks for. */
export function bytesFromArgument(name: string, text: string, encoding: TextEncoding): Uint8Array {
  const bytes = bytesFromText(text, encoding);
  if (bytes === undefined) throw new CommandError(`${name} must be ${describeEncoding(encoding)}`, exitCode.usage);
  return bytes;
}

/** @throws {CommandError} when the key is empty or not what the encoding asks for. */
export function keyFromArgument(text: string, encoding: TextEncoding): Uint8Array {
  const key = bytesFromArgument('KEY', text, encoding);
  if (key.length === 0) throw new CommandError('KEY is empty; a key has at least one byte', exitCode.badData);
  return key;
}
