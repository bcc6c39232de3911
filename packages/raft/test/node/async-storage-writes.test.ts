import { describe, expect, it } from 'vitest';
import { appendThread, applyThread, type Message } from '../../src/message.ts';
import type { Ready } from '../../src/node/ready.ts';
import { bytes, confStateOf, entry, message, nodeWithLog, snapshotAt, type TestNode } from '../cluster.ts';

const voters = [1, 2, 3];
const options = { asyncStorageWrites: true };

function appendWork(ready: Ready): Message {
  return ready.messages.find(({ to }) => to === appendThread)!;
}

function applyWork(ready: Ready): Message | undefined {
  return ready.messages.find(({ to }) => to === applyThread);
}

/** Does the append thread's work; steps the responses to the node itself and answers the others. */
function store(node: TestNode, work: Message): Message[] {
  if (work.snapshot !== undefined) node.storage.applySnapshot(work.snapshot);
  node.storage.append(work.entries);
  if (work.term !== 0) node.storage.setHardState({ term: work.term, vote: work.vote, commit: work.commit });
  return respond(node, work);
}

function respond(node: TestNode, work: Message): Message[] {
  for (const response of work.responses) if (response.to === node.id) node.core.step(response);
  return work.responses.filter(({ to }) => to !== node.id);
}

function append(node: TestNode, term: number, previous: readonly [number, number], ...terms: number[]): Message {
  const [logTerm, index] = previous;
  const entries = terms.map((each, position) => entry(each, index + 1 + position));
  node.core.step(message('MsgApp', 2, node.id, { term, logTerm, index, entries }));
  return appendWork(node.core.ready());
}

describe('asynchronous storage writes', () => {
  it('a follower acknowledges what is stored, when it is', () => {
    const node = nodeWithLog(1, voters, [], options);
    const work = append(node, 1, [0, 0], 1);
    expect(work).toMatchObject({ term: 1, vote: 0, commit: 0, entries: [{ index: 1 }] });
    expect(store(node, work)).toMatchObject([{ type: 'MsgAppResp', to: 2, index: 1 }]);
    expect(node.core.hasReady()).toBe(false);
  });

  it('writes are pipelined: a Ready may be taken while earlier ones are being stored', () => {
    const node = nodeWithLog(1, voters, [], options);
    const first = append(node, 1, [0, 0], 1);
    const second = append(node, 1, [1, 1], 1);
    expect(second.entries.map(({ index }) => index)).toEqual([2]);
    store(node, first);
    expect(node.core.hasReady()).toBe(false);
    store(node, second);
    expect(node.storage.lastIndex()).toBe(2);
  });

  it('ABA: an answer of an earlier term does not pass for a write that is still on its way', () => {
    const node = nodeWithLog(1, voters, [], options);
    // The entry 1/1 is written, replaced by 2/1 of another leader, and put back by a third one.
    const a = append(node, 1, [0, 0], 1);
    const b = append(node, 2, [0, 0], 2);
    const again = append(node, 3, [0, 0], 1);
    store(node, a);
    store(node, b);
    expect(node.terms()).toEqual([2]);
    // Not stable yet: the core still serves it itself, and hands nothing of it to be applied.
    node.core.step(message('MsgHeartbeat', 2, 1, { term: 3, commit: 1 }));
    expect(applyWork(node.core.ready())).toBeUndefined();
    store(node, again);
    expect(node.terms()).toEqual([1]);
    expect(applyWork(node.core.ready())).toMatchObject({ entries: [{ term: 1, index: 1 }] });
  });

  it('only stored entries are given to be applied, several batches at a time', () => {
    const node = nodeWithLog(1, [1], [], options);
    node.core.campaign();
    store(node, appendWork(node.core.ready()));
    const first = node.core.ready();
    expect(applyWork(first)).toBeUndefined();
    store(node, appendWork(first));
    node.core.propose(bytes('x'));
    const second = node.core.ready();
    expect(applyWork(second)).toMatchObject({ term: 0, entries: [{ index: 1 }] });
    store(node, appendWork(second));
    const third = node.core.ready();
    expect(applyWork(third)).toMatchObject({ entries: [{ index: 2 }] });
    expect(node.core.applied).toBe(0);
    respond(node, applyWork(second)!);
    respond(node, applyWork(third)!);
    expect(node.core.applied).toBe(2);
  });

  it('thesis 10.2.1: messages to followers leave while the leader writes', () => {
    const node = nodeWithLog(1, voters, [], options);
    node.core.campaign();
    store(node, appendWork(node.core.ready()));
    node.core.step(message('MsgVoteResp', 2, 1, { term: 1 }));
    const ready = node.core.ready();
    expect(ready.messages.map(({ type }) => type)).toEqual(['MsgApp', 'MsgApp', 'MsgStorageAppend']);
    // A majority without the leader may commit what the leader has not stored yet.
    node.core.step(message('MsgAppResp', 2, 1, { term: 1, index: 1 }));
    node.core.step(message('MsgAppResp', 3, 1, { term: 1, index: 1 }));
    expect(node.core.commit).toBe(1);
    expect(applyWork(node.core.ready())).toBeUndefined();
  });

  it('a snapshot is answered at any term, and opens what waits behind it', () => {
    const node = nodeWithLog(1, voters, [], options);
    node.core.step(message('MsgSnap', 2, 1, { term: 1, snapshot: snapshotAt(10, 1, confStateOf(voters)) }));
    const work = appendWork(node.core.ready());
    expect(work.responses).toMatchObject([
      { type: 'MsgAppResp', index: 10 },
      { type: 'MsgStorageAppendResp', from: appendThread, index: 0, snapshot: { metadata: { index: 10 } } },
    ]);
    node.core.step(message('MsgHeartbeat', 3, 1, { term: 5, commit: 0 }));
    store(node, work);
    expect(node.core.applied).toBe(10);
  });

  it('there is nothing to advance', () => {
    expect(() => nodeWithLog(1, voters, [], options).core.advance()).toThrow('nothing to advance');
  });

  it('the responses of a write are not the array that the core goes on filling', () => {
    const node = nodeWithLog(1, [1, 2], [], options);
    node.core.step(message('MsgHeartbeat', 2, 1, { term: 1 }));
    const work = appendWork(node.core.ready());
    expect(work.responses).toEqual([]);
    node.core.step(message('MsgVote', 2, 1, { term: 2 }));
    expect(work.responses).toEqual([]);
  });

  it('an election is won by the own vote as a response', () => {
    const node = nodeWithLog(1, voters, [], options);
    node.core.campaign();
    const work = appendWork(node.core.ready());
    expect(work.responses).toMatchObject([{ type: 'MsgVoteResp', from: 1, to: 1, term: 1 }]);
    node.core.step(message('MsgVoteResp', 2, 1, { term: 1 }));
    expect(node.core.role).toBe('candidate');
    store(node, work);
    expect(node.core.isLeader).toBe(true);
  });
});
