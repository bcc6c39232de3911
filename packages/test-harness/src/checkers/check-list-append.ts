import { HistoryError } from '../history/history-error.ts';
import type { Json, Operation } from '../history/operation.ts';
import { partitionByKey } from '../history/partition.ts';
import { type Verdict, type Violation, verdictOf } from './verdict.ts';

/*
 * The longest read of a list gives the order of its appends, so that no search is needed. An append that made element i
 * gets rank 2i + 1, a read of n elements rank 2n, an acknowledged append that no read shows the rank ∞. The history is
 * linearizable if and only if every read is a prefix of the longest one and no operation returns before one of lower rank
 * begins: a cycle between rank and real time would hold a step of real time that goes down in rank.
 */

interface RankedOperation {
  readonly operation: Operation;
  readonly rank: number;
}

/**
 * Checks that each key is a linearizable list: `append` (element; each element once for each key) and `read` (answers the
 * whole list). Convicts elements lost, duplicated, invented or reordered, reads that disagree, and any order against real
 * time. How the list is stored does not matter, so it judges lists across region splits too. An unknown append may show
 * from any time on, or never.
 *
 * @throws {HistoryError} `malformedOperation` when an operation is none of a list's.
 */
export function checkListAppend(operations: Iterable<Operation>): Verdict {
  const checker = 'list-append';
  let steps = 0;
  for (const [key, part] of partitionByKey(operations)) {
    steps += part.length;
    const appends = appendsByElement(part);
    if (appends === undefined) {
      return { checker, outcome: 'undecided', steps, reason: `an element of ${JSON.stringify(key)} is appended twice` };
    }
    const violation = judgeList(part, appends);
    if (violation !== undefined) {
      const message = `key ${JSON.stringify(key)}: ${violation.message}`;
      return verdictOf(checker, steps, { ...violation, message });
    }
  }
  return verdictOf(checker, steps, undefined);
}

/** The appends of one list by element, or undefined when two appends cannot be told apart. */
function appendsByElement(operations: readonly Operation[]): Map<string, Operation> | undefined {
  const appends = new Map<string, Operation>();
  for (const operation of operations) {
    if (operation.op === 'read') continue;
    if (operation.op !== 'append') throw malformed(operation, 'op must be one of append, read');
    const element = JSON.stringify(operation.input);
    if (appends.has(element)) return undefined;
    appends.set(element, operation);
  }
  return appends;
}

function judgeList(operations: readonly Operation[], appends: ReadonlyMap<string, Operation>): Violation | undefined {
  const reads = operations.filter(({ op, outcome }) => op === 'read' && outcome === 'ok');
  const longest = reads.reduce<Operation | undefined>(
    (best, one) => (best === undefined || listOf(one).length > listOf(best).length ? one : best),
    undefined,
  );
  if (longest === undefined) return judgeRealTime(rankAll(operations, []));
  const order = listOf(longest).map((element) => JSON.stringify(element));
  const violation = judgeElements(longest, order, appends);
  if (violation !== undefined) return violation;
  for (const read of reads) {
    const at = listOf(read).findIndex((element, index) => JSON.stringify(element) !== order[index]);
    if (at >= 0) return { message: `two reads disagree on element ${at}`, witness: inOrder([read, longest]) };
  }
  return judgeRealTime(rankAll(operations, order));
}

function judgeElements(
  read: Operation,
  order: readonly string[],
  appends: ReadonlyMap<string, Operation>,
): Violation | undefined {
  const seen = new Set<string>();
  for (const element of order) {
    const append = appends.get(element);
    if (append === undefined) return { message: `${element} was never appended`, witness: [read] };
    const witness = inOrder([append, read]);
    if (append.outcome === 'fail') return { message: `${element} shows though its append failed`, witness };
    if (seen.has(element)) return { message: `${element} is there twice`, witness };
    seen.add(element);
  }
  return undefined;
}

function rankAll(operations: readonly Operation[], order: readonly string[]): RankedOperation[] {
  const positions = new Map(order.map((element, index) => [element, index]));
  return operations.flatMap((operation) => {
    if (operation.op === 'read') {
      return operation.outcome === 'ok' ? [{ operation, rank: 2 * listOf(operation).length }] : [];
    }
    const position = positions.get(JSON.stringify(operation.input));
    if (position !== undefined) return [{ operation, rank: 2 * position + 1 }];
    return operation.outcome === 'ok' ? [{ operation, rank: Infinity }] : [];
  });
}

/** Finds an operation that began after one of higher rank had returned. */
function judgeRealTime(ranked: readonly RankedOperation[]): Violation | undefined {
  const begins = [...ranked].sort((a, b) => a.operation.invokeOrder - b.operation.invokeOrder);
  const ends = [...ranked].sort((a, b) => a.operation.returnOrder - b.operation.returnOrder);
  let highest: RankedOperation | undefined;
  let ended = 0;
  for (const later of begins) {
    for (let end = ends[ended]; end !== undefined; end = ends[ended]) {
      if (end.operation.returnOrder >= later.operation.invokeOrder) break;
      if (highest === undefined || end.rank > highest.rank) highest = end;
      ended += 1;
    }
    if (highest !== undefined && highest.rank > later.rank) {
      return { message: messageOf(highest, later), witness: inOrder([highest.operation, later.operation]) };
    }
  }
  return undefined;
}

function messageOf(earlier: RankedOperation, later: RankedOperation): string {
  if (later.operation.op === 'append') {
    const element = JSON.stringify(later.operation.input);
    return earlier.operation.op === 'append'
      ? `${element} comes before an element whose append had returned, or which is lost`
      : `${element} was read before it was appended`;
  }
  return earlier.operation.op === 'append'
    ? 'a read lacks an acknowledged element'
    : 'a read is older than one before it';
}

function listOf(read: Operation): readonly Json[] {
  if (!Array.isArray(read.output)) throw malformed(read, 'read answers a list');
  return read.output;
}

function inOrder(operations: readonly Operation[]): Operation[] {
  return [...operations].sort((a, b) => a.invokeOrder - b.invokeOrder);
}

function malformed(operation: Operation, message: string): HistoryError {
  return new HistoryError('malformedOperation', message, operation.invokeOrder + 1);
}
