import { describe, expect, it } from 'vitest';
import { bytes, elect, message, nodeWithLog, type TestNode } from '../cluster.ts';

const voters = [1, 2, 3];

/** A leader of term 1 whose followers have its first entry and know that it is committed. */
function leader(options = {}): TestNode {
  const node = nodeWithLog(1, voters, [], { batchAppends: true, ...options });
  elect(node, [2]);
  for (const from of [2, 3]) node.receive(message('MsgAppResp', from, 1, { term: 1, index: 1 }));
  for (const from of [2, 3]) node.receive(message('MsgAppResp', from, 1, { term: 1, index: 1 }));
  return node;
}

describe('batched appends', () => {
  it('proposals between two Readys leave as one append to each follower, and as one acknowledgement of its own', () => {
    const node = leader();
    for (const text of ['a', 'b', 'c']) expect(node.core.propose(bytes(text))).toBe('accepted');
    const ready = node.core.ready();
    expect(ready.messages.map(({ type, to, entries }) => [type, to, entries.length])).toEqual([
      ['MsgApp', 2, 3],
      ['MsgApp', 3, 3],
    ]);
    expect(ready.entries.map(({ index }) => index)).toEqual([2, 3, 4]);
    node.storage.append(ready.entries);
    node.core.advance();
    // Its own three entries and one follower make a quorum.
    node.core.step(message('MsgAppResp', 2, 1, { term: 1, index: 4 }));
    expect(node.core.ready().committedEntries).toHaveLength(3);
  });

  it('acknowledgements between two Readys make one announcement of the commit index', () => {
    const node = leader();
    for (const text of ['a', 'b', 'c']) node.core.propose(bytes(text));
    node.drain();
    for (const index of [2, 3, 4]) {
      for (const from of [2, 3]) node.core.step(message('MsgAppResp', from, 1, { term: 1, index }));
    }
    const { messages, committedEntries } = node.work();
    expect(committedEntries).toHaveLength(3);
    expect(messages.map(({ type, to, entries, commit }) => [type, to, entries.length, commit])).toEqual([
      ['MsgApp', 2, 0, 4],
      ['MsgApp', 3, 0, 4],
    ]);
    expect(node.core.hasReady()).toBe(false);
  });

  it('a new proposal carries the commit index: nothing else announces it', () => {
    const node = leader();
    node.core.propose(bytes('a'));
    node.drain();
    node.core.step(message('MsgAppResp', 2, 1, { term: 1, index: 2 }));
    node.core.propose(bytes('b'));
    const sent = node.drain().map(({ to, entries, commit }) => [to, entries.length, commit]);
    expect(sent).toEqual([
      [2, 1, 2],
      [3, 1, 2],
    ]);
  });

  it('an acknowledgement frees room in a full window, which is filled with the next Ready', () => {
    const node = leader({ maxInflightMessages: 1, maxSizePerMessage: 0 });
    node.core.propose(bytes('a'));
    node.core.propose(bytes('b'));
    expect(node.drain().map(({ to, index, entries }) => [to, index, entries.length])).toEqual([
      [2, 1, 1],
      [3, 1, 1],
    ]);
    const sent = node.receive(message('MsgAppResp', 2, 1, { term: 1, index: 2 }));
    expect(sent.map(({ to, index, entries }) => [to, index, entries.length])).toContainEqual([2, 2, 1]);
  });

  it('a leader that is deposed before its Ready sends nothing of what it put off', () => {
    const node = leader();
    node.core.propose(bytes('a'));
    node.core.step(message('MsgHeartbeat', 2, 1, { term: 2 }));
    expect(node.drain().filter(({ type }) => type === 'MsgApp')).toEqual([]);
  });
});
