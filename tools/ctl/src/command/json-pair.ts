import { type TextEncoding, textFromBytes, utf8FromBytes } from '../text-encoding.ts';

/**
 * A pair as one line of NDJSON that `load` reads back byte for byte. Where UTF-8 was asked for and the bytes are not, the
 * line falls back to base64 and says so in its `encoding`. Without a value, only the key is written.
 */
export function jsonPair(key: Uint8Array, value: Uint8Array | undefined, encoding: TextEncoding): string {
  if (encoding === 'utf8') {
    const keyText = utf8FromBytes(key);
    const valueText = value === undefined ? undefined : utf8FromBytes(value);
    const isText = keyText !== undefined && (value === undefined) === (valueText === undefined);
    if (isText) return JSON.stringify({ key: keyText, value: valueText });
    return jsonPair(key, value, 'base64');
  }
  const valueText = value === undefined ? undefined : textFromBytes(value, encoding);
  return JSON.stringify({ key: textFromBytes(key, encoding), value: valueText, encoding });
}
