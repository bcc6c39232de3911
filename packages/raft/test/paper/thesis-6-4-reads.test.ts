import { describe, expect, it } from 'vitest';
import { bytes, Cluster, change, elect, entry, message, nodeWithLog, type TestNode } from '../cluster.ts';

function contexts(node: TestNode): string[] {
  return node.readStates.map(({ context }) => new TextDecoder().decode(context));
}

function ledBy(count: number, options = {}): Cluster {
  const cluster = Cluster.of(count, options);
  cluster.node(1).core.campaign();
  cluster.settle();
  return cluster;
}

describe('thesis 6.4: linearizable reads', () => {
  it('a read is answered with the commit index of its arrival, when a quorum has confirmed the leader', () => {
    const cluster = ledBy(3);
    const leader = cluster.node(1);
    leader.core.readIndex(bytes('a'));
    const [round] = [leader.drain()];
    expect(round.map(({ type }) => type)).toEqual(['MsgHeartbeat', 'MsgHeartbeat']);
    expect(leader.readStates).toEqual([]);
    leader.receive(message('MsgHeartbeatResp', 2, 1, { term: 1, context: round[0]!.context }));
    expect(leader.readStates).toEqual([{ index: 1, context: bytes('a') }]);
  });

  it('all reads between two Readys share one round, and a later round confirms the earlier ones', () => {
    const leader = ledBy(3).node(1);
    for (const text of ['a', 'b', 'c']) leader.core.readIndex(bytes(text));
    const first = leader.drain();
    expect(first).toHaveLength(2);
    leader.core.readIndex(bytes('d'));
    const second = leader.drain();
    leader.receive(message('MsgHeartbeatResp', 3, 1, { term: 1, context: first[0]!.context }));
    expect(contexts(leader)).toEqual(['a', 'b', 'c']);
    leader.core.readIndex(bytes('e'));
    leader.drain();
    leader.receive(message('MsgHeartbeatResp', 3, 1, { term: 1, context: second[0]!.context }));
    expect(contexts(leader)).toEqual(['a', 'b', 'c', 'd']);
  });

  it('the next heartbeat asks again when a round was lost', () => {
    const cluster = ledBy(3);
    const leader = cluster.node(1);
    leader.core.readIndex(bytes('a'));
    leader.drain();
    const [again] = leader.tick();
    leader.receive(message('MsgHeartbeatResp', 2, 1, { term: 1, context: again!.context }));
    expect(contexts(leader)).toEqual(['a']);
    expect(leader.tick()[0]!.context).toBeUndefined();
  });

  it('answers without a round, of another shape or of one not begun confirm nothing', () => {
    const leader = ledBy(3).node(1);
    leader.core.readIndex(bytes('a'));
    leader.drain();
    for (const context of [undefined, bytes(''), bytes('short'), new Uint8Array(8).fill(9)]) {
      leader.receive(message('MsgHeartbeatResp', 2, 1, { term: 1, context }));
    }
    expect(leader.readStates).toEqual([]);
  });

  it('a new leader answers only when it has committed an entry of its own term', () => {
    const leader = nodeWithLog(1, [1, 2, 3], [1]);
    elect(leader, [2]);
    expect(leader.core.readIndex(bytes('early'))).toBe('accepted');
    expect(leader.drain()).toEqual([]);
    const sent = leader.receive(message('MsgAppResp', 2, 1, { term: 2, index: 2 }));
    const context = sent.find(({ type }) => type === 'MsgHeartbeat')!.context;
    leader.receive(message('MsgHeartbeatResp', 3, 1, { term: 2, context }));
    expect(leader.readStates).toEqual([{ index: 2, context: bytes('early') }]);
  });

  it('a follower reads through its leader', () => {
    const cluster = ledBy(3);
    expect(cluster.node(2).core.readIndex(bytes('f'))).toBe('accepted');
    cluster.settle();
    expect(cluster.node(2).readStates).toEqual([{ index: 1, context: bytes('f') }]);
    expect(cluster.node(1).readStates).toEqual([]);
  });

  it('without a leader, or when too many wait, a read is dropped', () => {
    expect(nodeWithLog(1, [1, 2, 3], []).core.readIndex(bytes('x'))).toBe('readDropped');
    const leader = ledBy(3, { maxPendingReads: 2 }).node(1);
    expect(['a', 'b', 'c'].map((text) => leader.core.readIndex(bytes(text)))).toEqual([
      'accepted',
      'accepted',
      'readDropped',
    ]);
  });

  it('reads that a leader could not confirm go with its leadership', () => {
    const leader = ledBy(3).node(1);
    leader.core.readIndex(bytes('a'));
    const [round] = leader.drain();
    leader.receive(message('MsgHeartbeat', 2, 1, { term: 2 }));
    elect(leader, [2]);
    leader.receive(message('MsgHeartbeatResp', 3, 1, { term: 1, context: round!.context }));
    leader.receive(message('MsgHeartbeatResp', 3, 1, { term: 3, context: round!.context }));
    expect(leader.readStates).toEqual([]);
  });

  it('a sole voter confirms itself, but only in its own term', () => {
    const node = nodeWithLog(1, [1], []);
    node.core.campaign();
    node.work();
    expect(node.core.isLeader).toBe(true);
    node.core.readIndex(bytes('a'));
    expect(node.readStates).toEqual([]);
    node.drain();
    expect(node.readStates).toEqual([{ index: 1, context: bytes('a') }]);
  });

  it('a change of membership that leaves a sole voter answers what waits', () => {
    const cluster = ledBy(2);
    const leader = cluster.node(1);
    leader.core.proposeConfChange(change('auto', { kind: 'remove', nodeId: 2 }));
    leader.drain();
    leader.core.readIndex(bytes('a'));
    leader.drain();
    leader.receive(message('MsgAppResp', 2, 1, { term: 1, index: 2 }));
    expect(leader.readStates).toEqual([{ index: 1, context: bytes('a') }]);
  });

  it('on a lease, a read is answered at once; not once somebody was told to campaign', () => {
    const cluster = ledBy(3, { readOnly: 'leaseBased', checkQuorum: true });
    const leader = cluster.node(1);
    leader.core.readIndex(bytes('a'));
    expect(leader.drain()).toEqual([]);
    expect(contexts(leader)).toEqual(['a']);
    leader.core.transferLeader(2);
    leader.core.readIndex(bytes('b'));
    leader.drain();
    expect(contexts(leader)).toEqual(['a']);
  });

  it("a caller's lease spares the round, of followers' reads too, but not before a commit in the term", () => {
    const leader = nodeWithLog(1, [1, 2, 3], []);
    elect(leader, [2]);
    leader.core.readIndex(bytes('early'), true);
    expect(contexts(leader)).toEqual([]);
    leader.receive(message('MsgAppResp', 2, 1, { term: 1, index: 1 }));
    leader.receive(message('MsgHeartbeatResp', 2, 1, { term: 1, context: Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 1) }));
    expect(contexts(leader)).toEqual(['early']);
    leader.core.readIndex(bytes('a'), true);
    expect(leader.drain()).toEqual([]);
    expect(contexts(leader)).toEqual(['early', 'a']);
    const request = message('MsgReadIndex', 2, 1, { entries: [entry(0, 0, 'b')] });
    leader.core.stepReadRequest(request, true);
    expect(leader.drain()).toMatchObject([{ type: 'MsgReadIndexResp', to: 2, index: 1 }]);
    leader.core.stepReadRequest(request, false);
    expect(leader.drain()).toMatchObject([{ type: 'MsgHeartbeat' }, { type: 'MsgHeartbeat' }]);
    leader.core.transferLeader(3);
    leader.core.readIndex(bytes('c'), true);
    leader.drain();
    expect(contexts(leader)).toEqual(['early', 'a']);
  });

  it('numbered heartbeats tell which round a quorum has answered', () => {
    const leader = nodeWithLog(1, [1, 2, 3], [], { numberHeartbeats: true });
    elect(leader, [2]);
    leader.receive(message('MsgAppResp', 2, 1, { term: 1, index: 1 }));
    const [first] = leader.tick();
    const [second] = leader.tick();
    expect([leader.core.heartbeatRound, leader.core.confirmedRound]).toEqual([2, 0]);
    leader.receive(message('MsgHeartbeatResp', 2, 1, { term: 1, context: first!.context }));
    expect(leader.core.confirmedRound).toBe(1);
    leader.receive(message('MsgHeartbeatResp', 3, 1, { term: 1, context: second!.context }));
    expect(leader.core.confirmedRound).toBe(2);
    leader.receive(message('MsgHeartbeat', 2, 1, { term: 2 }));
    expect(leader.core.confirmedRound).toBe(0);
  });

  it('malformed requests and answers are ignored', () => {
    const cluster = ledBy(3);
    expect(cluster.node(1).receive(message('MsgReadIndex', 2, 1))).toEqual([]);
    cluster.node(2).receive(message('MsgReadIndexResp', 1, 2, { term: 1, index: 1 }));
    expect(cluster.node(2).readStates).toEqual([]);
  });
});
