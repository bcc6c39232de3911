import { asBuffer } from '@flotilla/protocol';

/** How bytes are written as text on the command line, in input files and in output. */
export type TextEncoding = 'utf8' | 'hex' | 'base64';

const hexPattern = /^(?:[0-9a-f]{2})*$/i;
const base64Pattern = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;
const loneSurrogate = /\p{Surrogate}/u;

/** The bytes that `text` stands for; `undefined` when it is not valid in that encoding. */
export function bytesFromText(text: string, encoding: TextEncoding): Uint8Array | undefined {
  if (encoding === 'hex') return hexPattern.test(text) ? Buffer.from(text, 'hex') : undefined;
  if (encoding === 'base64') return base64Pattern.test(text) ? Buffer.from(text, 'base64') : undefined;
  return loneSurrogate.test(text) ? undefined : Buffer.from(text, 'utf8');
}

/** What a text of that encoding looks like, for messages about one that does not. */
export function describeEncoding(encoding: TextEncoding): string {
  if (encoding === 'hex') return 'an even number of hexadecimal digits';
  if (encoding === 'base64') return 'padded base64';
  return 'well-formed Unicode';
}

const strictDecoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** The text of `bytes`; `undefined` when they are not valid UTF-8. */
export function utf8FromBytes(bytes: Uint8Array): string | undefined {
  try {
    return strictDecoder.decode(bytes);
  } catch {
    return undefined;
  }
}

/** `bytes` as text. Bytes that are not UTF-8 show the replacement character: for people, not for round trips. */
export function textFromBytes(bytes: Uint8Array, encoding: TextEncoding): string {
  return asBuffer(bytes).toString(encoding);
}
