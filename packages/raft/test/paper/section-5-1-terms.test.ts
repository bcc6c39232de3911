import { describe, expect, it } from 'vitest';
import { elect, message, nodeWithLog } from '../cluster.ts';

const voters = [1, 2, 3];

describe('raft paper 5.1: terms', () => {
  it('starts as a follower', () => {
    expect(nodeWithLog(1, voters, []).core.role).toBe('follower');
  });

  it.each(['follower', 'candidate', 'leader'])(
    'a %s that sees a higher term takes it and follows its leader',
    (role) => {
      const node = nodeWithLog(1, voters, []);
      if (role === 'candidate') node.core.campaign();
      if (role === 'leader') elect(node, [2]);
      node.receive(message('MsgApp', 2, 1, { term: 5 }));
      expect(node.core.basicStatus()).toMatchObject({ term: 5, role: 'follower', leader: 2, vote: 0 });
    },
  );

  it('a leader that sees a higher term in an answer steps down, without knowing who leads', () => {
    const node = nodeWithLog(1, voters, []);
    elect(node, [2]);
    node.receive(message('MsgAppResp', 3, 1, { term: 4, reject: true }));
    expect(node.core.basicStatus()).toMatchObject({ term: 4, role: 'follower', leader: 0 });
  });

  it('requests of a stale term are ignored', () => {
    const node = nodeWithLog(1, voters, [3]);
    for (const type of ['MsgApp', 'MsgHeartbeat', 'MsgSnap', 'MsgVote', 'MsgTimeoutNow'] as const) {
      expect(node.receive(message(type, 2, 1, { term: 2, index: 9, logTerm: 2 })), type).toEqual([]);
    }
    expect(node.core.basicStatus()).toMatchObject({ term: 3, role: 'follower', leader: 0, vote: 0 });
  });

  it.each([{ preVote: true }, { checkQuorum: true }])(
    'with %o, a leader of a stale term is told of the new one: it may be cut off from those who elected its successor',
    (options) => {
      const node = nodeWithLog(1, voters, [3], options);
      const [answer, ...others] = node.receive(message('MsgHeartbeat', 2, 1, { term: 2 }));
      expect(others).toEqual([]);
      expect(answer).toMatchObject({ type: 'MsgAppResp', to: 2, term: 3, index: 0, reject: false });
    },
  );

  it('answers of a stale term move nothing: the term has changed since the leader asked', () => {
    const node = nodeWithLog(1, voters, []);
    elect(node, [2]);
    node.receive(message('MsgApp', 3, 1, { term: 5 }));
    elect(node, [2]);
    const before = node.core.status();
    expect(node.receive(message('MsgAppResp', 2, 1, { term: 1, index: node.core.lastIndex }))).toEqual([]);
    expect(node.core.status()).toEqual(before);
  });
});
