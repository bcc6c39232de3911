import { describeOperation, type Operation } from '../history/operation.ts';

/** What a checker found to be impossible, and by what evidence. */
export interface Violation {
  /** One sentence: what cannot be. */
  readonly message: string;
  /** The operations that show it, in the order of invocation; as few as the checker can name. */
  readonly witness: readonly Operation[];
}

/**
 * A checker's judgement. `undecided` means that the budget ran out or the history cannot be judged; only `valid`
 * passes, because a check that did not finish has shown nothing.
 */
export type Verdict =
  | { readonly checker: string; readonly outcome: 'valid'; readonly steps: number }
  | { readonly checker: string; readonly outcome: 'violated'; readonly steps: number; readonly violation: Violation }
  | { readonly checker: string; readonly outcome: 'undecided'; readonly steps: number; readonly reason: string };

/** Whether a verdict passes: `undecided` does not. */
export function isPassed(verdict: Verdict): boolean {
  return verdict.outcome === 'valid';
}

/** Says a verdict for people; the first line is the verdict, the lines after it are the witness. */
export function describeVerdict(verdict: Verdict): string {
  if (verdict.outcome === 'valid') return `${verdict.checker}: valid`;
  if (verdict.outcome === 'undecided') return `${verdict.checker}: undecided, which fails: ${verdict.reason}`;
  const { message, witness } = verdict.violation;
  return [`${verdict.checker}: violated: ${message}`, ...witness.map((one) => `  ${describeOperation(one)}`)].join(
    '\n',
  );
}

/** The verdict of a checker that looks at every fact once: violated when there is a violation, otherwise valid. */
export function verdictOf(checker: string, steps: number, violation: Violation | undefined): Verdict {
  return violation === undefined
    ? { checker, outcome: 'valid', steps }
    : { checker, outcome: 'violated', steps, violation };
}

/** A violation that no operation of a history shows, but the message alone. */
export function plainViolation(message: string): Violation {
  return { message, witness: [] };
}
