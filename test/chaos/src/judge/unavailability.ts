/** The time that a fault took, from its beginning until the cluster had recovered. */
export interface FaultWindow {
  /** What was on: kinds, joined where there were two. */
  readonly label: string;
  readonly fromMs: number;
  readonly toMs: number;
}

/** What the clients lost by faults of one label. */
export interface Unavailability {
  readonly label: string;
  readonly faults: number;
  /** The longest time without an acknowledged write. */
  readonly longestMs: number;
}

/**
 * The longest gap between acknowledged writes in each window, by label. A window's edges count as such, so that a fault answers
 * for no more than its own time. `ackedAtMs` is in ascending order.
 */
export function unavailability(windows: readonly FaultWindow[], ackedAtMs: readonly number[]): Unavailability[] {
  const byLabel = new Map<string, Unavailability>();
  for (const window of windows) {
    const { label } = window;
    const before = byLabel.get(label) ?? { label, faults: 0, longestMs: 0 };
    const longestMs = Math.max(before.longestMs, longestGapMs(window, ackedAtMs));
    byLabel.set(label, { label, faults: before.faults + 1, longestMs });
  }
  return [...byLabel.values()].sort((a, b) => b.longestMs - a.longestMs || a.label.localeCompare(b.label));
}

function longestGapMs({ fromMs, toMs }: FaultWindow, ackedAtMs: readonly number[]): number {
  let longest = 0;
  let previous = fromMs;
  for (let position = firstAfter(ackedAtMs, fromMs); position < ackedAtMs.length; position += 1) {
    const at = ackedAtMs[position]!;
    if (at >= toMs) break;
    longest = Math.max(longest, at - previous);
    previous = at;
  }
  return Math.max(longest, toMs - previous);
}

/** The first position whose time is after `ms`, by halving. */
function firstAfter(times: readonly number[], ms: number): number {
  let [low, high] = [0, times.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (times[middle]! > ms) high = middle;
    else low = middle + 1;
  }
  return low;
}
