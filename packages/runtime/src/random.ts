/** A source of chance. Every twin made from one seed draws the same numbers in the same order. */
export interface Random {
  /** A whole number, `minimum` ≤ n < `end`; both and their difference safe integers, `end` > `minimum`. */
  integer(minimum: number, end: number): number;
  /** A number in [0, 1). */
  fraction(): number;
  /** An independent source, determined by this one's seed and `label` alone, so that adding a draw here moves nothing there. */
  fork(label: string): Random;
}
