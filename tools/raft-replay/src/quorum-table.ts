/** Draws who has acknowledged which index, and how they rank. */
export function printCommitTable(ids: readonly number[], indexes: ReadonlyMap<number, number>): string {
  const count = ids.length;
  if (count === 0) return '<empty majority quorum>';
  const bars = barsOf(ids, indexes);
  const lines = ids.map((id) => {
    const index = indexes.get(id);
    const bar = bars.get(id)!;
    const drawn = index === undefined ? `?${' '.repeat(count)}` : `${'x'.repeat(bar)}>${' '.repeat(count - bar)}`;
    return `${drawn} ${String(index ?? 0).padStart(5)}    (id=${id.toString(16)})\n`;
  });
  return `${' '.repeat(count)}    idx\n${lines.join('')}`;
}

/** How far each voter's bar reaches: as far as there are voters behind it, equal ones alike. */
function barsOf(ids: readonly number[], indexes: ReadonlyMap<number, number>): ReadonlyMap<number, number> {
  const ranked = ids
    .map((id) => ({ id, index: indexes.get(id) ?? 0 }))
    .sort((a, b) => a.index - b.index || a.id - b.id);
  const bars = new Map<number, number>();
  let bar = 0;
  for (const [position, { id, index }] of ranked.entries()) {
    if (position > 0 && index > ranked[position - 1]!.index) bar = position;
    bars.set(id, bar);
  }
  return bars;
}
