import { escapeTsvField } from './tsv-field.ts';

/** A range of keys for people, shortened. */
export function keyRangeText(range: { readonly startKey: Uint8Array; readonly endKey: Uint8Array }): string {
  const { startKey, endKey } = range;
  return startKey.length === 0 && endKey.length === 0 ? 'all' : `${keyText(startKey)} – ${keyText(endKey)}`;
}

function keyText(key: Uint8Array): string {
  if (key.length === 0) return '∞';
  const text = Buffer.from(escapeTsvField(key))
    .toString('utf8')
    .replace(/\p{Cc}/gu, '\u{fffd}');
  return text.length > 20 ? `${text.slice(0, 19)}…` : text;
}
