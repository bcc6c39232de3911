import { HistoryError } from '../history/history-error.ts';
import type { Json, Operation } from '../history/operation.ts';
import { type Verdict, verdictOf } from './verdict.ts';

/** The bank that {@link checkBank} judges. */
export interface Bank {
  /** What each account held before the first operation; whole numbers, or safe integers in general. */
  readonly balances: Readonly<Record<string, number>>;
  /** Whether an account may be overdrawn; default false. */
  readonly isOverdraftAllowed?: boolean;
}

/**
 * Checks that money is neither made nor lost: every `read` under a snapshot answers a record of exactly the bank's accounts
 * whose balances add up to the bank's total. Other operations, the transfers, may be there and are not looked at.
 *
 * @throws {HistoryError} `malformedOperation` when a read answers no record of safe integers.
 */
export function checkBank(operations: Iterable<Operation>, bank: Bank): Verdict {
  const total = sumOf(Object.values(bank.balances));
  let steps = 0;
  for (const operation of operations) {
    if (operation.op !== 'read' || operation.outcome !== 'ok') continue;
    steps += 1;
    const complaint = complaintAbout(balancesOf(operation), bank, total);
    if (complaint !== undefined) return verdictOf('bank', steps, { message: complaint, witness: [operation] });
  }
  return verdictOf('bank', steps, undefined);
}

function complaintAbout(read: ReadonlyMap<string, number>, bank: Bank, total: number): string | undefined {
  const missing = Object.keys(bank.balances).find((account) => !read.has(account));
  if (missing !== undefined) return `account ${JSON.stringify(missing)} is missing`;
  const invented = [...read.keys()].find((account) => !Object.hasOwn(bank.balances, account));
  if (invented !== undefined) return `account ${JSON.stringify(invented)} is none of the bank's`;
  const overdrawn = [...read].find(([, balance]) => balance < 0);
  if (overdrawn !== undefined && bank.isOverdraftAllowed !== true) {
    return `account ${JSON.stringify(overdrawn[0])} is overdrawn`;
  }
  const sum = sumOf(read.values());
  return sum === total ? undefined : `the balances add up to ${sum}, not to ${total}`;
}

function balancesOf(read: Operation): Map<string, number> {
  const { output } = read;
  if (typeof output !== 'object' || output === null || Array.isArray(output)) throw malformed(read);
  return new Map(
    Object.entries(output).map(([account, balance]: [string, Json]) => {
      if (!Number.isSafeInteger(balance)) throw malformed(read);
      return [account, balance as number];
    }),
  );
}

function sumOf(numbers: Iterable<number>): number {
  let sum = 0;
  for (const one of numbers) sum += one;
  return sum;
}

function malformed(read: Operation): HistoryError {
  return new HistoryError('malformedOperation', 'read answers a record of safe integers', read.invokeOrder + 1);
}
