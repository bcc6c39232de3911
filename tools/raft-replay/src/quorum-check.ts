/** The committed index by counting instead of sorting: the highest index that n/2+1 voters have reached. */
export function alternativeCommittedIndex(voters: readonly number[], indexes: ReadonlyMap<number, number>): number {
  if (voters.length === 0) return Number.POSITIVE_INFINITY;
  const needed = Math.floor(voters.length / 2) + 1;
  const candidates = [0, ...voters.map((id) => indexes.get(id) ?? 0)];
  const reached = candidates.filter((index) => voters.filter((id) => (indexes.get(id) ?? 0) >= index).length >= needed);
  return Math.max(...reached);
}
