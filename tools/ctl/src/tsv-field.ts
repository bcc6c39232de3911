/**
 * Fields of a TSV line. A field holds any bytes: tab, newline, carriage return and backslash are written `\t`, `\n`, `\r`
 * and `\\`, so that what `scan` prints `load` reads back byte for byte. Source: the Linear TSV convention.
 */
const backslash = 0x5c;
const escapeOf = new Map<number, number>([
  [0x09, 0x74],
  [0x0a, 0x6e],
  [0x0d, 0x72],
  [backslash, backslash],
]);
const byteOf = new Map<number, number>([...escapeOf].map(([byte, letter]) => [letter, byte]));

/** `bytes` as a field. */
export function escapeTsvField(bytes: Uint8Array): Uint8Array {
  let extra = 0;
  for (const byte of bytes) if (escapeOf.has(byte)) extra += 1;
  if (extra === 0) return bytes;
  const escaped = new Uint8Array(bytes.length + extra);
  let position = 0;
  for (const byte of bytes) {
    const letter = escapeOf.get(byte);
    if (letter !== undefined) escaped[position++] = backslash;
    escaped[position++] = letter ?? byte;
  }
  return escaped;
}

/** The bytes a field stands for; `undefined` when a backslash is followed by anything but `t`, `n`, `r` or a backslash. */
export function unescapeTsvField(field: Uint8Array): Uint8Array | undefined {
  if (!field.includes(backslash)) return field;
  const bytes = new Uint8Array(field.length);
  let length = 0;
  for (let position = 0; position < field.length; position += 1) {
    const byte = field[position]!;
    if (byte !== backslash) {
      bytes[length++] = byte;
      continue;
    }
    position += 1;
    const meant = byteOf.get(field[position] ?? 0);
    if (meant === undefined) return undefined;
    bytes[length++] = meant;
  }
  return bytes.subarray(0, length);
}
