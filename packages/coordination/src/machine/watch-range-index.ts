import { isInTextRange, type KeyText, type TextRange } from './key-index.ts';
import type { WatchGroup } from './watch-group.ts';

/**
 * Groups of watches by what they watch. Single keys and prefixes, which is nearly all that is watched, are found by look-ups in
 * maps, one for each length of prefix; other ranges are looked through.
 */
export class WatchRangeIndex {
  readonly #keys = new Map<KeyText, Set<WatchGroup>>();
  readonly #prefixes = new Map<number, Map<KeyText, Set<WatchGroup>>>();
  readonly #others = new Set<WatchGroup>();

  add(group: WatchGroup): void {
    const { start, end } = group.range;
    if (end === undefined) addTo(this.#keys, start, group);
    else if (isPrefix(group.range)) {
      const prefixes = this.#prefixes.get(start.length) ?? new Map<KeyText, Set<WatchGroup>>();
      this.#prefixes.set(start.length, prefixes);
      addTo(prefixes, start, group);
    } else this.#others.add(group);
  }

  remove(group: WatchGroup): void {
    const { start, end } = group.range;
    if (end === undefined) removeFrom(this.#keys, start, group);
    else if (isPrefix(group.range)) {
      const prefixes = this.#prefixes.get(start.length);
      if (prefixes === undefined) return;
      removeFrom(prefixes, start, group);
      if (prefixes.size === 0) this.#prefixes.delete(start.length);
    } else this.#others.delete(group);
  }

  /** Calls `visit` for each group that watches the key. */
  forEach(key: KeyText, visit: (group: WatchGroup) => void): void {
    for (const group of this.#keys.get(key) ?? []) visit(group);
    for (const [length, prefixes] of this.#prefixes) {
      if (length > key.length) continue;
      for (const group of prefixes.get(key.slice(0, length)) ?? []) visit(group);
    }
    for (const group of this.#others) if (isInTextRange(key, group.range)) visit(group);
  }
}

/** Whether the range is all keys that begin with its start. */
function isPrefix({ start, end }: TextRange): boolean {
  const last = start.charCodeAt(start.length - 1);
  return last < 0xff && end === start.slice(0, -1) + String.fromCharCode(last + 1);
}

function addTo(map: Map<KeyText, Set<WatchGroup>>, key: KeyText, group: WatchGroup): void {
  const groups = map.get(key) ?? new Set();
  map.set(key, groups);
  groups.add(group);
}

function removeFrom(map: Map<KeyText, Set<WatchGroup>>, key: KeyText, group: WatchGroup): void {
  const groups = map.get(key);
  groups?.delete(group);
  if (groups?.size === 0) map.delete(key);
}
