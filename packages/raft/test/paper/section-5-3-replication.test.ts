import { describe, expect, it } from 'vitest';
import { bytes, Cluster, elect, entry, message, nodeWithLog } from '../cluster.ts';

const voters = [1, 2, 3];

describe('raft paper 5.3: log replication', () => {
  it('a leader appends a proposal and sends it to all, with the entry before it', () => {
    const node = nodeWithLog(1, voters, [1]);
    elect(node, [2]);
    for (const from of [2, 3]) node.receive(message('MsgAppResp', from, 1, { term: 2, index: 2 }));
    expect(node.core.propose(bytes('x'))).toBe('accepted');
    const appends = node.drain().filter(({ type }) => type === 'MsgApp');
    expect(appends).toMatchObject([
      { to: 2, term: 2, index: 2, logTerm: 2, commit: 2, entries: [{ term: 2, index: 3 }] },
      { to: 3, term: 2, index: 2, logTerm: 2, commit: 2, entries: [{ term: 2, index: 3 }] },
    ]);
  });

  it('an entry is committed when a majority has stored it, and with it those before', () => {
    const node = nodeWithLog(1, [1, 2, 3, 4, 5], [1, 1]);
    elect(node, [2, 3]);
    node.receive(message('MsgAppResp', 2, 1, { term: 2, index: 3 }));
    expect(node.applied).toEqual([]);
    node.receive(message('MsgAppResp', 3, 1, { term: 2, index: 3 }));
    expect(node.applied.map(({ index }) => index)).toEqual([1, 2, 3]);
  });

  it('the leader counts itself only when its own write is durable', () => {
    const node = nodeWithLog(1, [1, 2, 3], []);
    node.core.campaign();
    node.drain();
    node.core.step(message('MsgVoteResp', 2, 1, { term: 1 }));
    node.core.ready();
    node.core.step(message('MsgAppResp', 2, 1, { term: 1, index: 1 }));
    expect(node.core.commit).toBe(0);
    node.core.advance();
    expect(node.core.commit).toBe(1);
  });

  it('a follower commits what the leader has, as far as the logs are known to match', () => {
    const node = nodeWithLog(1, voters, [1, 1, 1]);
    node.receive(message('MsgApp', 2, 1, { term: 2, index: 1, logTerm: 1, entries: [entry(2, 2)], commit: 9 }));
    expect(node.core.commit).toBe(2);
    expect(node.terms()).toEqual([1, 2]);
  });

  it('a follower commits what a heartbeat says', () => {
    const node = nodeWithLog(1, voters, [1, 1]);
    expect(node.receive(message('MsgHeartbeat', 2, 1, { term: 1, commit: 2 }))).toMatchObject([
      { type: 'MsgHeartbeatResp' },
    ]);
    expect(node.core.commit).toBe(2);
  });

  it.each([
    { terms: [], index: 3, logTerm: 3, hint: 0, hintTerm: 0 },
    { terms: [1, 1], index: 3, logTerm: 1, hint: 2, hintTerm: 1 },
    { terms: [1, 2, 2], index: 3, logTerm: 1, hint: 1, hintTerm: 1 },
    { terms: [1, 1, 1], index: 3, logTerm: 4, hint: 3, hintTerm: 1 },
  ])('a log of terms $terms refuses entries behind $logTerm/$index, hinting at $hintTerm/$hint', (row) => {
    const node = nodeWithLog(1, voters, row.terms, { term: 5 });
    const answers = node.receive(
      message('MsgApp', 2, 1, { term: 5, index: row.index, logTerm: row.logTerm, entries: [entry(5, row.index + 1)] }),
    );
    expect(answers).toMatchObject([
      { type: 'MsgAppResp', reject: true, index: row.index, rejectHint: row.hint, logTerm: row.hintTerm },
    ]);
    expect(node.terms()).toEqual(row.terms);
  });

  it.each([
    { terms: [1, 2, 2], entries: [entry(3, 3)], after: [1, 2, 3] },
    { terms: [1, 2, 2], entries: [entry(3, 3), entry(4, 4)], after: [1, 2, 3, 4] },
    { terms: [1, 2, 2, 2], entries: [entry(2, 3)], after: [1, 2, 2, 2] },
    { terms: [1, 2], entries: [], after: [1, 2] },
  ])('a log of $terms that takes $entries behind 2/2 becomes $after: only conflicts are dropped', (row) => {
    const node = nodeWithLog(1, voters, row.terms, { term: 4 });
    node.receive(message('MsgApp', 2, 1, { term: 4, index: 2, logTerm: 2, entries: row.entries }));
    expect(node.terms()).toEqual(row.after);
  });

  it('an append below the commit index is answered with the commit index', () => {
    const node = nodeWithLog(1, voters, [1, 1, 1], { commit: 3 });
    const answers = node.receive(message('MsgApp', 2, 1, { term: 1, index: 1, logTerm: 1, entries: [entry(1, 2)] }));
    expect(answers).toMatchObject([{ type: 'MsgAppResp', reject: false, index: 3 }]);
  });

  // Figure 7, the leader's log first.
  it.each([
    { follower: [1, 1, 1, 4, 4, 5, 5, 6, 6] },
    { follower: [1, 1, 1, 4] },
    { follower: [1, 1, 1, 4, 4, 5, 5, 6, 6, 6, 6] },
    { follower: [1, 1, 1, 4, 4, 5, 5, 6, 6, 6, 7, 7] },
    { follower: [1, 1, 1, 4, 4, 4, 4] },
    { follower: [1, 1, 1, 2, 2, 2, 3, 3, 3, 3, 3] },
  ])('figure 7: a new leader makes the log $follower like its own', ({ follower }) => {
    const leader = nodeWithLog(1, voters, [1, 1, 1, 4, 4, 5, 5, 6, 6, 6], { term: 7 });
    const other = nodeWithLog(2, voters, follower, { term: 7 });
    const cluster = new Cluster([leader, other, nodeWithLog(3, voters, [], { term: 7 })]);
    leader.core.campaign();
    cluster.settle();
    expect(leader.core.isLeader).toBe(true);
    expect(other.terms()).toEqual(leader.terms());
    expect(other.applied.map(({ index }) => index)).toEqual(leader.applied.map(({ index }) => index));
  });

  it('a slow follower delays neither the majority nor the heartbeats', () => {
    const cluster = Cluster.of(3);
    cluster.node(1).core.campaign();
    cluster.settle();
    cluster.isolate(3);
    for (let count = 0; count < 50; count += 1) {
      cluster.node(1).core.propose(bytes('x'));
      cluster.settle();
    }
    expect(cluster.node(2).applied.at(-1)?.index).toBe(51);
    expect(
      cluster
        .node(1)
        .tick()
        .map(({ to }) => to),
    ).toEqual([2, 3]);
    cluster.heal();
    cluster.node(1).core.tick();
    cluster.settle();
    expect(cluster.node(3).applied.at(-1)?.index).toBe(51);
  });
});
