import { InvariantError } from '@flotilla/runtime';
import { describe, expect, it } from 'vitest';
import { MemoryStorage } from '../src/memory-storage.ts';
import { bytes, Cluster, confStateOf, elect, entry, message, nodeWithLog, snapshotAt, TestNode } from './cluster.ts';

const voters = [1, 2, 3];

describe('RawNode', () => {
  it('takes no local message from a peer, and no answer from a stranger', () => {
    const node = nodeWithLog(1, voters, []);
    elect(node, [2]);
    for (const type of ['MsgHup', 'MsgBeat', 'MsgUnreachable', 'MsgSnapStatus', 'MsgCheckQuorum'] as const) {
      expect(node.core.step(message(type, 2, 1)), type).toBe('stepLocalMessage');
    }
    for (const type of ['MsgAppResp', 'MsgVoteResp', 'MsgPreVoteResp', 'MsgHeartbeatResp'] as const) {
      expect(node.core.step(message(type, 9, 1, { term: 1 })), type).toBe('stepPeerNotFound');
    }
    expect(node.core.step(message('MsgReadIndexResp', 9, 1, { term: 1 }))).toBe('stepPeerNotFound');
  });

  it.each([
    { index: 1, logTerm: 1, entries: [entry(1, 3)] },
    { index: 1, logTerm: 1, entries: [entry(1, 2), entry(1, 4)] },
    { index: 1, logTerm: 1, entries: [entry(1, 2), entry(2, 3), entry(1, 4)] },
    { index: 1, logTerm: 2, entries: [entry(1, 2)] },
    { index: 1, logTerm: 1, entries: [entry(3, 2)] },
  ])('takes no append whose entries do not fit together: %o', (fields) => {
    const node = nodeWithLog(1, voters, [1]);
    const before = node.core.status();
    expect(node.core.step(message('MsgApp', 2, 1, { term: 2, ...fields }))).toBe('stepMalformed');
    expect(node.core.status()).toEqual(before);
    expect(node.core.hasReady()).toBe(false);
  });

  it('takes no snapshot message without a snapshot', () => {
    const node = nodeWithLog(1, voters, [1]);
    expect(node.core.step(message('MsgSnap', 2, 1, { term: 2 }))).toBe('stepMalformed');
    expect(node.core.term).toBe(1);
  });

  it('passes proposals on to the leader, unless told not to, and drops them without one', () => {
    const node = nodeWithLog(1, voters, []);
    expect(node.core.propose(bytes('x'))).toBe('proposalDropped');
    node.receive(message('MsgHeartbeat', 2, 1, { term: 1 }));
    expect(node.core.propose(bytes('x'))).toBe('accepted');
    expect(node.drain()).toMatchObject([{ type: 'MsgProp', to: 2, from: 1, term: 0, entries: [{ data: bytes('x') }] }]);
    const strict = nodeWithLog(1, voters, [], { disableProposalForwarding: true });
    strict.receive(message('MsgHeartbeat', 2, 1, { term: 1 }));
    expect(strict.core.propose(bytes('x'))).toBe('proposalDropped');
    expect(strict.core.step(message('MsgProp', 3, 1, { entries: [entry(0, 0)] }))).toBe('proposalDropped');
  });

  it('a proposal of nothing is dropped', () => {
    const node = nodeWithLog(1, voters, []);
    elect(node, [2]);
    expect(node.core.step(message('MsgProp', 2, 1))).toBe('proposalDropped');
  });

  it('has a Ready exactly when something is to be done', () => {
    const node = nodeWithLog(1, voters, []);
    expect(node.core.hasReady()).toBe(false);
    node.core.tick();
    expect(node.core.hasReady()).toBe(false);
    node.core.step(message('MsgHeartbeat', 2, 1, { term: 1 }));
    expect(node.core.hasReady()).toBe(true);
    const ready = node.work();
    expect(ready).toMatchObject({ softState: { leader: 2, role: 'follower' }, hardState: { term: 1 }, mustSync: true });
    expect(node.core.hasReady()).toBe(false);
    expect(node.core.ready()).toMatchObject({
      softState: undefined,
      hardState: undefined,
      mustSync: false,
      messages: [],
    });
  });

  it('hands out one Ready at a time', () => {
    const node = nodeWithLog(1, voters, []);
    node.core.ready();
    expect(() => node.core.ready()).toThrow(InvariantError);
    node.core.advance();
    node.core.advance();
    expect(() => node.core.ready()).not.toThrow();
  });

  it('arrays handed out stay as they are', () => {
    const node = nodeWithLog(1, voters, []);
    elect(node, [2]);
    node.core.propose(bytes('x'));
    const ready = node.core.ready();
    const copy = structuredClone(ready);
    node.core.propose(bytes('y'));
    node.core.readIndex(bytes('r'));
    node.storage.append(ready.entries);
    node.core.advance();
    node.drain();
    expect(ready).toEqual(copy);
  });

  it('an empty Ready does not share the outbox that is filled next', () => {
    const node = nodeWithLog(1, voters, []);
    elect(node, [2]);
    const ready = node.core.ready();
    node.core.propose(bytes('x'));
    expect(ready.messages).toEqual([]);
  });

  it('starts again where storage and the state machine are', () => {
    const storage = new MemoryStorage();
    storage.applySnapshot(snapshotAt(5, 2, confStateOf(voters)));
    storage.append([entry(2, 6), entry(3, 7)]);
    storage.setHardState({ term: 3, vote: 2, commit: 6 });
    const node = new TestNode(1, { applied: 5 }, storage);
    expect(node.core.basicStatus()).toEqual({
      id: 1,
      term: 3,
      vote: 2,
      leader: 0,
      role: 'follower',
      commit: 6,
      applied: 5,
      lastIndex: 7,
      transferee: 0,
    });
    expect(node.core.ready().committedEntries.map(({ index }) => index)).toEqual([6]);
  });

  it('takes what has been applied for committed: the commit index may be stored late', () => {
    const node = nodeWithLog(1, voters, [1, 1, 1], { commit: 1, applied: 2 });
    expect([node.core.commit, node.core.applied]).toEqual([2, 2]);
    expect(node.core.hasReady()).toBe(false);
  });

  it('does not start when storage lacks what was committed or applied', () => {
    expect(() => nodeWithLog(1, voters, [1], { commit: 2 })).toThrow('committed');
    expect(() => nodeWithLog(1, voters, [1], { applied: 2 })).toThrow('committed');
  });

  it('gives a status that does not change later', () => {
    const cluster = Cluster.of(3);
    const { core } = cluster.node(1);
    expect(core.status().progress).toEqual([]);
    core.campaign();
    cluster.settle();
    const status = core.status();
    expect(status).toMatchObject({ role: 'leader', leader: 1, membership: { incoming: voters } });
    expect(status.progress.map(({ id, state, match }) => [id, state, match])).toEqual([
      [1, 'replicate', 1],
      [2, 'replicate', 1],
      [3, 'replicate', 1],
    ]);
    const copy = structuredClone(status);
    core.propose(bytes('x'));
    cluster.settle();
    expect(status).toEqual(copy);
    expect([core.id, core.term, core.role, core.leader, core.lastIndex]).toEqual([1, 1, 'leader', 1, 2]);
  });

  it('the election timeout can be set until the next is drawn', () => {
    const node = nodeWithLog(1, voters, []);
    node.core.overrideElectionTimeout(2);
    node.tick(1);
    expect(node.core.role).toBe('follower');
    node.tick(1);
    expect(node.core.role).toBe('candidate');
  });

  it('a leader ignores what only others handle', () => {
    const node = nodeWithLog(1, voters, []);
    elect(node, [2]);
    const before = node.core.status();
    node.core.campaign();
    node.core.forgetLeader();
    for (const type of [
      'MsgTimeoutNow',
      'MsgApp',
      'MsgHeartbeat',
      'MsgSnap',
      'MsgVoteResp',
      'MsgPreVoteResp',
    ] as const) {
      expect(node.receive(message(type, 2, 1, { term: 1 })), type).toEqual([]);
    }
    expect(node.core.status()).toEqual(before);
  });

  it('a follower and a candidate ignore what only a leader handles', () => {
    const node = nodeWithLog(1, voters, []);
    node.receive(message('MsgHeartbeat', 2, 1, { term: 1 }));
    const types = ['MsgAppResp', 'MsgVoteResp', 'MsgPreVoteResp', 'MsgHeartbeatResp'] as const;
    for (const type of types) expect(node.receive(message(type, 2, 1, { term: 1 })), type).toEqual([]);
    node.core.reportUnreachable(2);
    node.core.reportSnapshot(2, 'failed');
    node.core.campaign();
    node.drain();
    for (const type of ['MsgAppResp', 'MsgHeartbeatResp', 'MsgReadIndexResp', 'MsgReadIndex'] as const) {
      expect(node.receive(message(type, 2, 1, { term: 2 })), type).toEqual([]);
    }
    node.core.reportUnreachable(2);
    node.core.reportSnapshot(2, 'finished');
    expect(node.core.basicStatus()).toMatchObject({ role: 'candidate', term: 2 });
  });
});
