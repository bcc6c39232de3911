import { describe, expect, it } from 'vitest';
import { bytes, Cluster, message, nodeWithLog } from '../cluster.ts';

const voters = [1, 2, 3];

describe('thesis 9.6: pre-vote; 6.2: check-quorum', () => {
  it('a pre-candidate asks about the next term without entering it', () => {
    const node = nodeWithLog(1, voters, [4], { preVote: true });
    node.core.campaign();
    const messages = node.drain();
    expect(messages).toMatchObject([
      { type: 'MsgPreVote', to: 2, term: 5, index: 1, logTerm: 4 },
      { type: 'MsgPreVote', to: 3, term: 5, index: 1, logTerm: 4 },
    ]);
    expect(node.core.basicStatus()).toMatchObject({ role: 'preCandidate', term: 4, vote: 0 });
  });

  it('granting a pre-vote changes nothing, and any number can be granted', () => {
    const node = nodeWithLog(1, voters, [4], { preVote: true });
    for (const from of [2, 3]) {
      const answers = node.receive(message('MsgPreVote', from, 1, { term: 5, index: 1, logTerm: 4 }));
      expect(answers).toMatchObject([{ type: 'MsgPreVoteResp', to: from, term: 5, reject: false }]);
    }
    expect(node.core.basicStatus()).toMatchObject({ term: 4, vote: 0 });
  });

  it('a pre-vote won begins the election; one lost leaves no trace', () => {
    const node = nodeWithLog(1, voters, [4], { preVote: true });
    node.core.campaign();
    node.drain();
    const sent = node.receive(message('MsgPreVoteResp', 2, 1, { term: 5 }));
    expect(sent).toMatchObject([
      { type: 'MsgVote', to: 2, term: 5 },
      { type: 'MsgVote', to: 3, term: 5 },
    ]);
    const loser = nodeWithLog(1, voters, [4], { preVote: true });
    loser.core.campaign();
    loser.drain();
    for (const from of [2, 3]) loser.receive(message('MsgPreVoteResp', from, 1, { term: 4, reject: true }));
    expect(loser.core.basicStatus()).toMatchObject({ role: 'follower', term: 4, vote: 0 });
  });

  it('a rejection by a node of a higher term tells of that term', () => {
    const node = nodeWithLog(1, voters, [4], { preVote: true });
    node.core.campaign();
    node.drain();
    node.receive(message('MsgPreVoteResp', 2, 1, { term: 9, reject: true }));
    expect(node.core.basicStatus()).toMatchObject({ role: 'follower', term: 9 });
  });

  it('a pre-vote of a stale term is rejected with the present one', () => {
    const node = nodeWithLog(1, voters, [4]);
    expect(node.receive(message('MsgPreVote', 2, 1, { term: 3 }))).toMatchObject([
      { type: 'MsgPreVoteResp', term: 4, reject: true },
    ]);
  });

  it('votes of the pre-election do not count in the election, nor the other way round', () => {
    const node = nodeWithLog(1, [1, 2, 3, 4, 5], [4], { preVote: true });
    node.core.campaign();
    node.drain();
    node.receive(message('MsgVoteResp', 2, 1, { term: 4 }));
    node.receive(message('MsgVoteResp', 3, 1, { term: 4 }));
    expect(node.core.role).toBe('preCandidate');
    for (const from of [2, 3]) node.receive(message('MsgPreVoteResp', from, 1, { term: 5 }));
    expect(node.core.role).toBe('candidate');
    for (const from of [4, 5]) node.receive(message('MsgPreVoteResp', from, 1, { term: 5 }));
    expect(node.core.role).toBe('candidate');
  });

  it('a node that was cut off does not disturb the others when it is back', () => {
    const cluster = Cluster.of(3, { preVote: true, checkQuorum: true });
    cluster.node(1).core.campaign();
    cluster.settle();
    cluster.isolate(3);
    for (let ticks = 0; ticks < 60; ticks += 1) {
      for (const node of cluster.nodes) node.core.tick();
      cluster.settle();
    }
    cluster.heal();
    for (const node of cluster.nodes) node.core.tick();
    cluster.settle();
    expect(cluster.nodes.map(({ core }) => [core.term, core.leader])).toEqual([
      [1, 1],
      [1, 1],
      [1, 1],
    ]);
  });

  it('a leader that does not hear from a quorum for an election timeout steps down', () => {
    const cluster = Cluster.of(3, { checkQuorum: true });
    cluster.node(1).core.campaign();
    cluster.settle();
    cluster.isolate(1);
    const leader = cluster.node(1);
    leader.tick(10);
    expect(leader.core.isLeader).toBe(true);
    leader.tick(10);
    expect(leader.core.basicStatus()).toMatchObject({ role: 'follower', term: 1, leader: 0 });
  });

  it('one of two followers is enough to go on', () => {
    const cluster = Cluster.of(3, { checkQuorum: true });
    cluster.node(1).core.campaign();
    cluster.settle();
    cluster.isolate(3);
    for (let ticks = 0; ticks < 50; ticks += 1) {
      cluster.node(1).core.tick();
      cluster.settle();
    }
    expect(cluster.node(1).core.isLeader).toBe(true);
  });

  it('a node that was restarted refuses votes at first, unless the leader wants the campaign', () => {
    const restarted = nodeWithLog(1, voters, [], { checkQuorum: true, quietStartTicks: 3 });
    const request = message('MsgVote', 3, 1, { term: 2 });
    const preVote = message('MsgPreVote', 3, 1, { term: 2 });
    for (let ticks = 0; ticks < 3; ticks += 1) {
      expect([...restarted.receive(request), ...restarted.receive(preVote)]).toEqual([]);
      restarted.tick();
    }
    expect(restarted.receive(preVote)).toMatchObject([{ type: 'MsgPreVoteResp', reject: false }]);
    expect(restarted.receive(request)).toMatchObject([{ type: 'MsgVoteResp', reject: false }]);
    const asked = nodeWithLog(1, voters, [], { checkQuorum: true, quietStartTicks: 3 });
    const transfer = { ...request, context: bytes('CampaignTransfer') };
    expect(asked.receive(transfer)).toMatchObject([{ type: 'MsgVoteResp', reject: false }]);
  });

  it('a follower told to forget its leader grants votes at once; not with lease-based reads', () => {
    const request = message('MsgVote', 3, 1, { term: 2 });
    const options = { checkQuorum: true };
    const forgetful = nodeWithLog(1, voters, [], options);
    const leased = nodeWithLog(1, voters, [], { ...options, readOnly: 'leaseBased' });
    for (const node of [forgetful, leased]) {
      node.receive(message('MsgHeartbeat', 2, 1, { term: 1 }));
      node.core.forgetLeader();
    }
    expect(forgetful.receive(request)).toMatchObject([{ type: 'MsgVoteResp', reject: false }]);
    expect(leased.receive(request)).toEqual([]);
    expect(leased.core.leader).toBe(2);
  });
});
