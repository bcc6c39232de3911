import { expect, it } from 'vitest';
import { encodeConfChange } from '../../src/confchange/conf-change.ts';
import { appendThread, type Message } from '../../src/message.ts';
import { change, confStateOf, message, nodeWithLog, snapshotAt, type TestNode } from '../cluster.ts';

/** A follower that is applying the addition of node 4 when a snapshot arrives, in which 4 is gone again. */
function overtakenBySnapshot(): { readonly node: TestNode; readonly work: Message } {
  const node = nodeWithLog(1, [1, 2, 3], [1], { asyncStorageWrites: true });
  const data = encodeConfChange(addition, 'confChange');
  const entries = [{ type: 'confChange', term: 1, index: 2, data }] as const;
  node.core.step(message('MsgApp', 2, 1, { term: 1, logTerm: 1, index: 1, entries, commit: 2 }));
  store(node);
  expect(node.core.ready().committedEntries.map(({ index }) => index)).toEqual([2]);
  const snapshot = snapshotAt(10, 1, confStateOf([1, 2, 3]));
  node.core.step(message('MsgSnap', 2, 1, { term: 1, snapshot }));
  return { node, work: node.core.ready().messages.find(({ to }) => to === appendThread)! };
}

const addition = change('auto', { kind: 'addVoter', nodeId: 4 });

function store(node: TestNode): void {
  const work = node.core.ready().messages.find(({ to }) => to === appendThread)!;
  node.storage.append(work.entries);
  for (const response of work.responses) if (response.to === node.id) node.core.step(response);
}

it('a change that a snapshot has overtaken while it was being applied leaves the configuration of the snapshot', () => {
  const { node, work } = overtakenBySnapshot();
  expect(node.core.applyConfChange(addition)).toEqual(confStateOf([1, 2, 3]));
  expect(node.core.status().membership.incoming).toEqual([1, 2, 3]);
  // Behind the snapshot, changes count again.
  node.storage.applySnapshot(work.snapshot!);
  for (const response of work.responses) if (response.to === 1) node.core.step(response);
  expect(node.core.applyConfChange(addition).voters).toEqual([1, 2, 3, 4]);
});
