import { HistoryError } from '../history/history-error.ts';
import type { Json, Operation } from '../history/operation.ts';
import { partitionByKey } from '../history/partition.ts';
import { type Verdict, type Violation, verdictOf } from './verdict.ts';

/** What has to hold of one element: from when on it may, and must, be there. */
interface Membership {
  readonly add: Operation;
  /** The operation that showed it to be there, and by whose return it must stay. */
  proof: Operation | undefined;
}

/**
 * Checks that each key is a set that only grows: `add` (element; each element once for each key) and `read` (answers all
 * elements, in any order). Nothing acknowledged or once read is lost, nothing is invented, doubled, or there too early. Of
 * reads at once, each of which may lack what another shows, it asks nothing: that is for {@link checkListAppend}.
 *
 * @throws {HistoryError} `malformedOperation` when an operation is none of a set's.
 */
export function checkSet(operations: Iterable<Operation>): Verdict {
  const checker = 'set';
  let steps = 0;
  for (const [key, part] of partitionByKey(operations)) {
    const members = new Map<string, Membership>();
    for (const operation of part.filter(({ op }) => op !== 'read')) {
      if (operation.op !== 'add') throw malformed(operation, 'op must be one of add, read');
      const element = JSON.stringify(operation.input);
      if (members.has(element)) {
        return { checker, outcome: 'undecided', steps, reason: `an element of ${JSON.stringify(key)} is added twice` };
      }
      members.set(element, { add: operation, proof: operation.outcome === 'ok' ? operation : undefined });
    }
    const reads = part.filter(({ op, outcome }) => op === 'read' && outcome === 'ok');
    for (const read of reads.sort((a, b) => a.returnOrder - b.returnOrder)) {
      steps += members.size;
      const violation = judgeRead(read, members);
      if (violation === undefined) continue;
      return verdictOf(checker, steps, { ...violation, message: `key ${JSON.stringify(key)}: ${violation.message}` });
    }
  }
  return verdictOf(checker, steps, undefined);
}

/** Judges a read against all that is known from what returned before it did, and notes what it shows. */
function judgeRead(read: Operation, members: ReadonlyMap<string, Membership>): Violation | undefined {
  if (!Array.isArray(read.output)) throw malformed(read, 'read answers a list');
  const seen = new Set<string>();
  for (const element of read.output.map((one: Json) => JSON.stringify(one))) {
    const member = members.get(element);
    if (member === undefined) return { message: `${element} was never added`, witness: [read] };
    const witness = [member.add, read].sort((a, b) => a.invokeOrder - b.invokeOrder);
    if (seen.has(element)) return { message: `${element} is there twice`, witness };
    if (member.add.outcome === 'fail') return { message: `${element} shows though its add failed`, witness };
    if (member.add.invokeOrder > read.returnOrder) return { message: `${element} shows before it was added`, witness };
    seen.add(element);
    if (member.proof === undefined || member.proof.returnOrder > read.returnOrder) member.proof = read;
  }
  for (const [element, { add, proof }] of members) {
    if (proof === undefined || proof.returnOrder >= read.invokeOrder || seen.has(element)) continue;
    return { message: `${element} is lost`, witness: proof === add ? [add, read] : [add, proof, read] };
  }
  return undefined;
}

function malformed(operation: Operation, message: string): HistoryError {
  return new HistoryError('malformedOperation', message, operation.invokeOrder + 1);
}
