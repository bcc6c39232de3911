import { KeySpace, rawKeyPrefix } from '@flotilla/client';
import { escapeTsvField } from './tsv-field.ts';

/** The keys of users in a range of the cluster, for people, shortened; or what else is there. */
export function keyRangeText(range: { readonly startKey: Uint8Array; readonly endKey: Uint8Array }): string {
  const users = userKeys.outerRange(range);
  if (users === undefined) return isCoordination(range) ? '(coordination)' : '(unused)';
  const { startKey, endKey } = users;
  return startKey.length === 0 && endKey.length === 0 ? 'all' : `${keyText(startKey)} – ${keyText(endKey)}`;
}

/** Users' keys, as the cluster has them. */
export const userKeys: KeySpace = new KeySpace(rawKeyPrefix);

/** Keys that begin with `m` are those of the coordination machine, and have a region of their own. */
function isCoordination({ startKey }: { readonly startKey: Uint8Array }): boolean {
  return Buffer.from(startKey).toString() === 'm';
}

function keyText(key: Uint8Array): string {
  if (key.length === 0) return '∞';
  const text = Buffer.from(escapeTsvField(key))
    .toString('utf8')
    .replace(/\p{Cc}/gu, '\u{fffd}');
  return text.length > 20 ? `${text.slice(0, 19)}…` : text;
}
