import { describe, expect, it } from 'vitest';
import { elect, message, nodeWithLog } from '../cluster.ts';

const voters = [1, 2, 3, 4, 5];

describe('raft paper 5.2: leader election', () => {
  it('a leader sends heartbeats at every heartbeat timeout', () => {
    const node = nodeWithLog(1, [1, 2, 3], [], { heartbeatTick: 2 });
    elect(node, [2]);
    expect(node.tick()).toEqual([]);
    expect(node.tick().map(({ type, to }) => [type, to])).toEqual([
      ['MsgHeartbeat', 2],
      ['MsgHeartbeat', 3],
    ]);
  });

  it('a follower that hears from no leader campaigns: next term, own vote, requests to all others', () => {
    const node = nodeWithLog(1, [1, 2, 3], [1]);
    const messages = node.tick(20);
    expect(node.core.basicStatus()).toMatchObject({ role: 'candidate', term: 2, vote: 1, leader: 0 });
    expect(messages).toMatchObject([
      { type: 'MsgVote', to: 2, term: 2, index: 1, logTerm: 1 },
      { type: 'MsgVote', to: 3, term: 2, index: 1, logTerm: 1 },
    ]);
  });

  it('a follower that hears from its leader does not campaign', () => {
    const node = nodeWithLog(1, [1, 2, 3], []);
    for (let round = 0; round < 20; round += 1) {
      node.receive(message('MsgHeartbeat', 2, 1, { term: 1 }));
      node.tick(9);
    }
    expect(node.core.basicStatus()).toMatchObject({ role: 'follower', term: 1, leader: 2 });
  });

  it('election timeouts are spread over [electionTick, 2 electionTick)', () => {
    const timeouts = new Set<number>();
    const node = nodeWithLog(1, [1, 2, 3], []);
    for (let round = 0; round < 400; round += 1) {
      // Back to a fresh follower, with a new timeout.
      node.receive(message('MsgHeartbeat', 2, 1, { term: node.core.term + 1 }));
      let ticks = 0;
      while (node.core.role === 'follower') {
        node.core.tick();
        ticks += 1;
      }
      timeouts.add(ticks);
    }
    expect([...timeouts].sort((a, b) => a - b)).toEqual([10, 11, 12, 13, 14, 15, 16, 17, 18, 19]);
  });

  it.each([
    { grants: [2, 3], rejections: [], role: 'leader' },
    { grants: [2, 3], rejections: [4, 5], role: 'leader' },
    { grants: [2], rejections: [3, 4], role: 'candidate' },
    { grants: [2], rejections: [3, 4, 5], role: 'follower' },
    { grants: [], rejections: [], role: 'candidate' },
  ])(
    'with grants $grants and rejections $rejections of five a candidate ends as $role',
    ({ grants, rejections, role }) => {
      const node = nodeWithLog(1, voters, []);
      node.core.campaign();
      node.drain();
      for (const from of grants) node.receive(message('MsgVoteResp', from, 1, { term: 1 }));
      for (const from of rejections) node.receive(message('MsgVoteResp', from, 1, { term: 1, reject: true }));
      expect(node.core.role).toBe(role);
    },
  );

  it('only the first answer of each voter counts', () => {
    const node = nodeWithLog(1, voters, []);
    node.core.campaign();
    node.drain();
    for (let copy = 0; copy < 5; copy += 1) node.receive(message('MsgVoteResp', 2, 1, { term: 1 }));
    node.receive(message('MsgVoteResp', 3, 1, { term: 1, reject: true }));
    node.receive(message('MsgVoteResp', 3, 1, { term: 1 }));
    expect(node.core.role).toBe('candidate');
  });

  it('the own vote counts only when it is durable', () => {
    const node = nodeWithLog(1, [1], []);
    node.core.campaign();
    const ready = node.core.ready();
    expect(ready).toMatchObject({ mustSync: true, hardState: { term: 1, vote: 1 } });
    expect(node.core.role).toBe('candidate');
    node.storage.setHardState(ready.hardState!);
    node.core.advance();
    expect(node.core.role).toBe('leader');
  });

  it('one vote a term, first come first served, and again to the same candidate', () => {
    const node = nodeWithLog(1, [1, 2, 3], []);
    expect(node.receive(message('MsgVote', 2, 1, { term: 1 }))).toMatchObject([{ type: 'MsgVoteResp', reject: false }]);
    expect(node.receive(message('MsgVote', 3, 1, { term: 1 }))).toMatchObject([{ type: 'MsgVoteResp', reject: true }]);
    expect(node.receive(message('MsgVote', 2, 1, { term: 1 }))).toMatchObject([{ type: 'MsgVoteResp', reject: false }]);
    node.restart(0);
    expect(node.receive(message('MsgVote', 3, 1, { term: 1 }))).toMatchObject([{ type: 'MsgVoteResp', reject: true }]);
  });

  it('a vote leaves only in a Ready that stores it', () => {
    const node = nodeWithLog(1, [1, 2, 3], []);
    node.core.step(message('MsgVote', 2, 1, { term: 1 }));
    const ready = node.core.ready();
    expect(ready.mustSync).toBe(true);
    expect(ready.hardState).toEqual({ term: 1, vote: 2, commit: 0 });
    expect(ready.messages).toMatchObject([{ type: 'MsgVoteResp', to: 2 }]);
  });

  it.each(['MsgApp', 'MsgHeartbeat'] as const)('a candidate that gets %s of its term follows the sender', (type) => {
    const node = nodeWithLog(1, [1, 2, 3], []);
    node.core.campaign();
    node.drain();
    node.receive(message(type, 3, 1, { term: 1 }));
    expect(node.core.basicStatus()).toMatchObject({ role: 'follower', term: 1, leader: 3, vote: 1 });
  });

  it('a candidate takes no proposals and is not pushed', () => {
    const node = nodeWithLog(1, [1, 2, 3], []);
    node.core.campaign();
    node.drain();
    expect(node.core.propose(new Uint8Array(1))).toBe('proposalDropped');
    node.core.forgetLeader();
    node.core.transferLeader(2);
    node.receive(message('MsgTimeoutNow', 2, 1, { term: 1 }));
    node.receive(message('MsgPreVoteResp', 2, 1, { term: 1 }));
    expect(node.core.basicStatus()).toMatchObject({ role: 'candidate', term: 1 });
  });
});
