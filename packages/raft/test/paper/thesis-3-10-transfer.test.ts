import { describe, expect, it } from 'vitest';
import { bytes, Cluster, elect, message, nodeWithLog } from '../cluster.ts';

describe('thesis 3.10: leadership transfer', () => {
  it('a follower that is up to date campaigns at once, whatever pre-vote and leases say', () => {
    const cluster = Cluster.of(3, { preVote: true, checkQuorum: true });
    cluster.node(1).core.campaign();
    cluster.settle();
    cluster.node(1).core.transferLeader(3);
    cluster.settle();
    expect(cluster.nodes.map(({ core }) => core.leader)).toEqual([3, 3, 3]);
    expect(cluster.node(3).core.term).toBe(2);
  });

  it('a follower passes the request on to its leader; without one it is lost', () => {
    const cluster = Cluster.of(3);
    cluster.node(2).core.transferLeader(2);
    expect(cluster.node(2).core.hasReady()).toBe(false);
    cluster.node(1).core.campaign();
    cluster.settle();
    cluster.node(3).core.transferLeader(2);
    cluster.settle();
    expect(cluster.node(2).core.isLeader).toBe(true);
  });

  it('an election timeout later it is given up; a repeated request gains no time', () => {
    const leader = nodeWithLog(1, [1, 2, 3], []);
    elect(leader, [2]);
    leader.core.transferLeader(3);
    leader.tick(9);
    leader.core.transferLeader(3);
    expect(leader.core.propose(bytes('x'))).toBe('proposalDropped');
    leader.tick(1);
    expect(leader.core.basicStatus().transferee).toBe(0);
    expect(leader.core.propose(bytes('x'))).toBe('accepted');
  });

  it('a stale target is caught up before it is told to campaign', () => {
    const leader = nodeWithLog(1, [1, 2, 3], []);
    elect(leader, [2]);
    leader.core.transferLeader(3);
    expect(leader.drain().map(({ type }) => type)).not.toContain('MsgTimeoutNow');
    const sent = leader.receive(message('MsgAppResp', 3, 1, { term: 1, index: 1 }));
    expect(sent.at(-1)).toMatchObject({ type: 'MsgTimeoutNow', to: 3 });
  });

  it('a target that cannot vote is not asked to campaign, and one that cannot win does not', () => {
    const cluster = Cluster.of(3);
    cluster.node(1).core.campaign();
    cluster.settle();
    cluster.node(1).core.proposeConfChange({
      transition: 'auto',
      steps: [{ kind: 'addLearner', nodeId: 3 }],
      context: bytes(''),
    });
    cluster.settle();
    cluster.node(1).core.transferLeader(3);
    cluster.node(1).core.transferLeader(1);
    cluster.node(1).core.transferLeader(8);
    expect(cluster.node(1).core.basicStatus().transferee).toBe(0);
    expect(cluster.node(3).receive(message('MsgTimeoutNow', 1, 3, { term: 1 }))).toEqual([]);
  });

  it('a target that becomes a learner meanwhile ends the transfer', () => {
    const leader = nodeWithLog(1, [1, 2, 3], []);
    elect(leader, [2]);
    leader.receive(message('MsgAppResp', 2, 1, { term: 1, index: 1 }));
    leader.core.proposeConfChange({
      transition: 'auto',
      steps: [{ kind: 'addLearner', nodeId: 3 }],
      context: bytes(''),
    });
    leader.core.transferLeader(3);
    leader.receive(message('MsgAppResp', 2, 1, { term: 1, index: 2 }));
    expect(leader.core.basicStatus().transferee).toBe(0);
  });
});
