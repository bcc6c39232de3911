/** A line of a comparison of two texts. */
export interface LineChange {
  readonly type: 'same' | 'removed' | 'added';
  readonly line: string;
}

/**
 * The lines of both texts in order, with as few removed and added as can be. Takes time and memory in the product of the lines
 * that differ; beyond `maxCells` of these, what lies between common beginning and end is removed and added whole.
 */
export function lineDiff(before: string, after: string, maxCells = 4_000_000): LineChange[] {
  const old = before.split('\n');
  const next = after.split('\n');
  let start = 0;
  while (start < old.length && start < next.length && old[start] === next[start]) start += 1;
  let tail = 0;
  while (
    tail < old.length - start &&
    tail < next.length - start &&
    old[old.length - 1 - tail] === next[next.length - 1 - tail]
  ) {
    tail += 1;
  }
  const middle = middleDiff(old.slice(start, old.length - tail), next.slice(start, next.length - tail), maxCells);
  return [...linesOf('same', old.slice(0, start)), ...middle, ...linesOf('same', old.slice(old.length - tail))];
}

function linesOf(type: LineChange['type'], lines: readonly string[]): LineChange[] {
  return lines.map((line) => ({ type, line }));
}

/** By the longest common subsequence: `lengths` has, for each pair of places, how long it is from there on. */
function middleDiff(old: readonly string[], next: readonly string[], maxCells: number): LineChange[] {
  const width = next.length + 1;
  if ((old.length + 1) * width > maxCells) return [...linesOf('removed', old), ...linesOf('added', next)];
  const lengths = new Uint32Array((old.length + 1) * width);
  const lengthAt = (row: number, column: number): number => lengths[row * width + column] as number;
  for (let row = old.length - 1; row >= 0; row -= 1) {
    for (let column = next.length - 1; column >= 0; column -= 1) {
      lengths[row * width + column] =
        old[row] === next[column]
          ? lengthAt(row + 1, column + 1) + 1
          : Math.max(lengthAt(row + 1, column), lengthAt(row, column + 1));
    }
  }
  const changes: LineChange[] = [];
  let row = 0;
  let column = 0;
  while (row < old.length && column < next.length) {
    if (old[row] === next[column]) {
      changes.push({ type: 'same', line: old[row] as string });
      row += 1;
      column += 1;
    } else if (lengthAt(row + 1, column) >= lengthAt(row, column + 1)) {
      changes.push({ type: 'removed', line: old[row++] as string });
    } else {
      changes.push({ type: 'added', line: next[column++] as string });
    }
  }
  return [...changes, ...linesOf('removed', old.slice(row)), ...linesOf('added', next.slice(column))];
}
