const shortEscapes: ReadonlyMap<number, string> = new Map([
  [0x07, '\\a'],
  [0x08, '\\b'],
  [0x09, '\\t'],
  [0x0a, '\\n'],
  [0x0b, '\\v'],
  [0x0c, '\\f'],
  [0x0d, '\\r'],
  [0x22, '\\"'],
  [0x5c, '\\\\'],
]);

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Bytes as text in double quotes; what cannot be printed is escaped. */
export function quote(bytes: Uint8Array): string {
  let text = '';
  for (let at = 0; at < bytes.length; ) {
    const character = decodeAt(bytes, at);
    if (character === undefined) {
      text += `\\x${hex(bytes[at]!, 2)}`;
      at += 1;
    } else {
      text += escapeCharacter(character.text);
      at += character.length;
    }
  }
  return `"${text}"`;
}

/** Text in double quotes. */
export function quoteText(text: string): string {
  return quote(new TextEncoder().encode(text));
}

function decodeAt(bytes: Uint8Array, at: number): { readonly text: string; readonly length: number } | undefined {
  const first = bytes[at]!;
  const length = first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
  try {
    return { text: decoder.decode(bytes.subarray(at, at + length)), length };
  } catch {
    // Not UTF-8: the caller prints the byte itself.
    return undefined;
  }
}

function escapeCharacter(text: string): string {
  const code = text.codePointAt(0)!;
  const short = shortEscapes.get(code);
  if (short !== undefined) return short;
  if (code === 0x20 || /[\p{L}\p{M}\p{N}\p{P}\p{S}]/u.test(text)) return text;
  if (code < 0x80) return `\\x${hex(code, 2)}`;
  return code < 0x10000 ? `\\u${hex(code, 4)}` : `\\U${hex(code, 8)}`;
}

function hex(value: number, digits: number): string {
  return value.toString(16).padStart(digits, '0');
}
