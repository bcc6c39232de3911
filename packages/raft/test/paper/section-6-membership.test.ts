import { describe, expect, it } from 'vitest';
import { MemoryStorage } from '../../src/memory-storage.ts';
import { bytes, Cluster, change, confStateOf, elect, message, nodeWithLog, snapshotAt, TestNode } from '../cluster.ts';

const addVoter = (nodeId: number) => ({ kind: 'addVoter', nodeId }) as const;
const addLearner = (nodeId: number) => ({ kind: 'addLearner', nodeId }) as const;
const remove = (nodeId: number) => ({ kind: 'remove', nodeId }) as const;

/** A group led by node 1 that starts from a snapshot at index 1, and nodes that have nothing. */
function groupOf(count: number, spare: readonly number[], options = {}): Cluster {
  const voters = Array.from({ length: count }, (_, position) => position + 1);
  const members = voters.map((id) => {
    const storage = new MemoryStorage();
    storage.applySnapshot(snapshotAt(1, 1, confStateOf(voters)));
    return new TestNode(id, { ...options, applied: 1 }, storage);
  });
  const cluster = new Cluster([...members, ...spare.map((id) => new TestNode(id, options))]);
  cluster.node(1).core.campaign();
  cluster.settle();
  return cluster;
}

describe('raft paper, section 6, and thesis 4: membership', () => {
  it('while joint, agreement needs a majority of each half', () => {
    const cluster = groupOf(3, [4, 5]);
    const leader = cluster.node(1);
    expect(leader.core.proposeConfChange(change('jointExplicit', addVoter(4), addVoter(5), remove(2), remove(3)))).toBe(
      'accepted',
    );
    cluster.settle();
    expect(leader.core.status().membership).toMatchObject({ incoming: [1, 4, 5], outgoing: [1, 2, 3] });
    for (const half of [
      [2, 3],
      [4, 5],
    ]) {
      const before = leader.core.commit;
      cluster.isolate(...half);
      leader.core.propose(bytes('x'));
      cluster.settle();
      expect(leader.core.commit).toBe(before);
      cluster.heal();
      leader.core.tick();
      cluster.settle();
      expect(leader.core.commit).toBe(before + 1);
    }
  });

  it('an explicit joint configuration is left when asked to, an implicit one by itself', () => {
    const cluster = groupOf(3, [4]);
    const leader = cluster.node(1).core;
    expect(leader.hasPendingConfChange).toBe(false);
    leader.proposeConfChange(change('jointExplicit', addVoter(4)));
    expect(leader.hasPendingConfChange).toBe(true);
    cluster.settle();
    expect(leader.hasPendingConfChange).toBe(false);
    expect(leader.status().membership.outgoing).toEqual([1, 2, 3]);
    expect(leader.proposeConfChange(change('auto', remove(2)))).toBe('confChangeRefused');
    expect(leader.proposeConfChange(change('auto'))).toBe('accepted');
    cluster.settle();
    expect(leader.status().membership).toMatchObject({ incoming: [1, 2, 3, 4], outgoing: [] });
    leader.proposeConfChange(change('jointImplicit', remove(4)));
    cluster.settle();
    expect(leader.status().membership).toMatchObject({ incoming: [1, 2, 3], outgoing: [] });
    expect(cluster.node(2).core.status().membership).toEqual(leader.status().membership);
  });

  it('a voter that is to become a learner goes on voting until the joint configuration is left', () => {
    const cluster = groupOf(3, []);
    const leader = cluster.node(1).core;
    leader.proposeConfChange(change('jointExplicit', addLearner(3)));
    cluster.settle();
    expect(leader.status().membership).toMatchObject({ incoming: [1, 2], outgoing: [1, 2, 3], learnersNext: [3] });
    leader.proposeConfChange(change('auto'));
    cluster.settle();
    expect(leader.status().membership).toMatchObject({ incoming: [1, 2], learners: [3], learnersNext: [] });
  });

  it('one change at a time: a second one is refused until the first is applied', () => {
    const cluster = groupOf(3, [4, 5]);
    const leader = cluster.node(1).core;
    expect(leader.proposeConfChange(change('auto', addVoter(4)))).toBe('accepted');
    expect(leader.proposeConfChange(change('auto', addVoter(5)))).toBe('confChangeRefused');
    cluster.settle();
    expect(leader.proposeConfChange(change('auto', addVoter(5)), 'confChange')).toBe('accepted');
    cluster.settle();
    expect(leader.status().membership.incoming).toEqual([1, 2, 3, 4, 5]);
  });

  it.each([
    ['removes every voter', change('auto', remove(1))],
    ['leaves no joint configuration', change('auto')],
  ])('a change that %s is refused: committed, it would stop every member', (_, asked) => {
    const cluster = groupOf(1, []);
    const leader = cluster.node(1);
    expect(leader.core.proposeConfChange(asked)).toBe('confChangeRefused');
    cluster.settle();
    expect(leader.applied.at(-1)).toMatchObject({ type: 'normal', data: bytes('') });
    expect(leader.core.status().membership.incoming).toEqual([1]);
  });

  it('with validation disabled, a change that does not fit stops the node when it is applied', () => {
    const cluster = groupOf(1, [], { disableConfChangeValidation: true });
    cluster.node(1).core.proposeConfChange(change('auto'));
    expect(() => cluster.settle()).toThrow('does not fit');
  });

  it('data that is no change is not proposed', () => {
    const leader = nodeWithLog(1, [1, 2, 3], []);
    elect(leader, [2]);
    const malformed = { type: 'confChangeV2', term: 0, index: 0, data: Uint8Array.of(0xff) } as const;
    expect(leader.core.step(message('MsgProp', 2, 1, { entries: [malformed] }))).toBe('proposalDropped');
  });

  it('4.2.2: a removed leader goes on until another comes, without counting itself and without proposals', () => {
    const cluster = groupOf(3, []);
    const leader = cluster.node(1);
    leader.core.proposeConfChange(change('auto', remove(1)));
    cluster.settle();
    expect(leader.core.isLeader).toBe(true);
    expect(leader.core.propose(bytes('x'))).toBe('proposalDropped');
    expect(leader.tick(1).map(({ type }) => type)).toEqual(['MsgHeartbeat', 'MsgHeartbeat']);
  });

  it.each([remove(1), addLearner(1)])(
    'with stepDownOnRemoval a leader that applies $kind of itself steps down',
    (step) => {
      const cluster = groupOf(3, [], { stepDownOnRemoval: true });
      const leader = cluster.node(1).core;
      leader.proposeConfChange(change('auto', step));
      cluster.settle();
      expect(leader.basicStatus()).toMatchObject({ role: 'follower', term: 1, leader: 0 });
    },
  );

  it('4.2.1: a learner is replicated to, never counts and never campaigns, but grants votes', () => {
    const cluster = groupOf(1, [2]);
    const leader = cluster.node(1);
    const learner = cluster.node(2);
    leader.core.proposeConfChange(change('auto', addLearner(2)));
    cluster.settle();
    expect(learner.core.applied).toBe(3);
    cluster.isolate(2);
    leader.core.propose(bytes('x'));
    cluster.settle();
    expect(leader.core.commit).toBe(4);
    learner.tick(100);
    learner.core.campaign();
    expect(learner.core.role).toBe('follower');
    const request = message('MsgVote', 3, 2, { term: 9, index: 9, logTerm: 9 });
    expect(learner.receive(request)).toMatchObject([{ type: 'MsgVoteResp', reject: false }]);
  });

  it('a node that has not applied every committed change does not campaign', () => {
    const node = nodeWithLog(1, [1, 2, 3], [1]);
    const entries = [{ type: 'confChangeV2', term: 1, index: 2, data: bytes('') }] as const;
    node.core.step(message('MsgApp', 2, 1, { term: 1, index: 1, logTerm: 1, entries, commit: 2 }));
    node.core.campaign();
    expect(node.core.role).toBe('follower');
  });

  it('a smaller quorum may commit what the larger one could not', () => {
    const leader = nodeWithLog(1, [1, 2], []);
    elect(leader, [2]);
    leader.core.proposeConfChange(change('auto', remove(2)));
    leader.core.propose(bytes('x'));
    leader.drain();
    leader.receive(message('MsgAppResp', 2, 1, { term: 1, index: 2 }));
    expect(leader.core.commit).toBe(3);
  });

  it('4.2.3: with check-quorum a node that hears a leader ignores campaigns, unless the leader asked for them', () => {
    const node = nodeWithLog(1, [1, 2, 3], [], { checkQuorum: true });
    node.receive(message('MsgHeartbeat', 2, 1, { term: 1 }));
    for (const type of ['MsgVote', 'MsgPreVote'] as const) {
      expect(node.receive(message(type, 3, 1, { term: 5 }))).toEqual([]);
    }
    expect(node.core.term).toBe(1);
    const context = bytes('CampaignTransfer');
    expect(node.receive(message('MsgVote', 3, 1, { term: 5, context }))).toMatchObject([{ reject: false }]);
    node.receive(message('MsgHeartbeat', 3, 1, { term: 5 }));
    node.tick(10);
    expect(node.receive(message('MsgVote', 2, 1, { term: 6 }))).toMatchObject([{ reject: false, term: 6 }]);
  });

  it('a configuration is restored with the applied state', () => {
    const storage = new MemoryStorage();
    const state = { ...confStateOf([1, 2]), votersOutgoing: [2, 3], learnersNext: [3], autoLeave: true };
    storage.applySnapshot(snapshotAt(5, 1, state));
    const node = new TestNode(1, { applied: 5 }, storage);
    expect(node.core.status().membership).toEqual({
      incoming: [1, 2],
      outgoing: [2, 3],
      learners: [],
      learnersNext: [3],
      autoLeave: true,
    });
    expect(node.core.basicStatus()).toMatchObject({ commit: 5, applied: 5, lastIndex: 5 });
  });
});
