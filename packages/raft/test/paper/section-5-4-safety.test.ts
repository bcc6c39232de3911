import { describe, expect, it } from 'vitest';
import { bytes, elect, entry, message, nodeWithLog } from '../cluster.ts';

describe('raft paper 5.4: safety', () => {
  it.each([
    { own: [1], index: 1, logTerm: 1, granted: true },
    { own: [1], index: 2, logTerm: 1, granted: true },
    { own: [1, 1], index: 1, logTerm: 1, granted: false },
    { own: [1, 1], index: 1, logTerm: 2, granted: true },
    { own: [2], index: 9, logTerm: 1, granted: false },
    { own: [], index: 0, logTerm: 0, granted: true },
  ])('5.4.1: a voter with $own and a candidate that ends at $logTerm/$index: granted is $granted', (row) => {
    const node = nodeWithLog(1, [1, 2, 3], row.own);
    const answers = node.receive(message('MsgVote', 2, 1, { term: 9, index: row.index, logTerm: row.logTerm }));
    expect(answers).toMatchObject([{ type: 'MsgVoteResp', reject: !row.granted }]);
    expect(node.core.basicStatus()).toMatchObject({ term: 9, vote: row.granted ? 2 : 0 });
  });

  it('5.4.2, figure 8: an entry of an earlier term is not committed by counting, but with one of the own term', () => {
    // The leader of term 4 has replicated the entry of term 2 to a majority.
    const node = nodeWithLog(1, [1, 2, 3, 4, 5], [1, 2], { term: 3, commit: 1 });
    elect(node, [2, 3]);
    expect(node.core.term).toBe(4);
    node.receive(message('MsgAppResp', 2, 1, { term: 4, index: 2 }));
    node.receive(message('MsgAppResp', 3, 1, { term: 4, index: 2 }));
    expect(node.core.commit).toBe(1);
    node.receive(message('MsgAppResp', 2, 1, { term: 4, index: 3 }));
    node.receive(message('MsgAppResp', 3, 1, { term: 4, index: 3 }));
    expect(node.core.commit).toBe(3);
  });

  it('5.4.2: a new leader appends an empty entry, so that what came before can be committed', () => {
    const node = nodeWithLog(1, [1, 2, 3], [1]);
    const appends = elect(node, [2]).filter(({ type }) => type === 'MsgApp');
    expect(appends[0]?.entries).toEqual([entry(2, 2)]);
  });

  it('a committed entry is never replaced', () => {
    const node = nodeWithLog(1, [1, 2, 3], [1, 1], { commit: 2 });
    node.core.step(message('MsgApp', 2, 1, { term: 5, index: 1, logTerm: 1, entries: [entry(5, 2, 'other')] }));
    node.drain();
    expect(node.terms()).toEqual([1, 1]);
  });

  it('a commit index past the log stops the node: entries that it had acknowledged are gone', () => {
    const node = nodeWithLog(1, [1, 2, 3], [1]);
    expect(() => node.core.step(message('MsgHeartbeat', 2, 1, { term: 1, commit: 2 }))).toThrow('entries were lost');
  });

  it('5.5: candidates and followers that are down are asked again, and answers that come twice do no harm', () => {
    const node = nodeWithLog(1, [1, 2, 3], []);
    elect(node, [2]);
    node.core.propose(bytes('x'));
    node.drain();
    for (let copy = 0; copy < 3; copy += 1) node.receive(message('MsgAppResp', 2, 1, { term: 1, index: 2 }));
    const before = node.core.status();
    // Late and out of order: progress never goes back.
    node.receive(message('MsgAppResp', 2, 1, { term: 1, index: 1 }));
    node.receive(message('MsgAppResp', 2, 1, { term: 1, index: 1, reject: true, rejectHint: 0 }));
    expect(node.core.status()).toEqual(before);
  });
});
