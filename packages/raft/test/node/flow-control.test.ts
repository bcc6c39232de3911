import { describe, expect, it } from 'vitest';
import type { Message } from '../../src/message.ts';
import { bytes, elect, message, type NodeOptions, nodeWithLog, type TestNode } from '../cluster.ts';

function leaderOf(options: NodeOptions): TestNode {
  const leader = nodeWithLog(1, [1, 2, 3], [], options);
  elect(leader, [3]);
  for (const from of [2, 3]) leader.receive(message('MsgAppResp', from, 1, { term: 1, index: 1 }));
  return leader;
}

function appendsTo(id: number, messages: readonly Message[]): Message[] {
  return messages.filter(({ type, to }) => type === 'MsgApp' && to === id);
}

function proposeAll(leader: TestNode, count: number, size = 10): Message[] {
  for (let made = 0; made < count; made += 1) leader.core.propose(new Uint8Array(size));
  return leader.drain();
}

const ack = (index: number) => message('MsgAppResp', 2, 1, { term: 1, index });

describe('flow control', () => {
  it('the window bounds the messages on their way; acknowledgements open it', () => {
    const leader = leaderOf({ maxInflightMessages: 2 });
    expect(appendsTo(2, proposeAll(leader, 5))).toHaveLength(2);
    expect(leader.core.status().progress[1]).toMatchObject({ isPaused: true, isInflightFull: true, inflightCount: 2 });
    const freed = appendsTo(2, leader.receive(ack(2)));
    expect(freed.flatMap(({ entries }) => entries.map(({ index }) => index))).toEqual([4, 5, 6]);
  });

  it('the window bounds bytes as well', () => {
    const leader = leaderOf({ maxInflightBytes: 25 });
    expect(appendsTo(2, proposeAll(leader, 5))).toHaveLength(3);
  });

  it('a full window still lets a heartbeat answer probe, without entries', () => {
    const leader = leaderOf({ maxInflightMessages: 1 });
    proposeAll(leader, 2);
    const sent = appendsTo(2, leader.receive(message('MsgHeartbeatResp', 2, 1, { term: 1 })));
    expect(sent).toMatchObject([{ entries: [], index: 2 }]);
  });

  it('a message is cut at its limit, one entry at least', () => {
    const leader = leaderOf({ maxSizePerMessage: 40 });
    leader.core.reportUnreachable(2);
    proposeAll(leader, 4);
    // The probe carried one entry; once it is acknowledged the rest goes out in pieces.
    const sent = appendsTo(2, leader.receive(ack(2)));
    expect(sent.map(({ entries }) => entries.length)).toEqual([2, 1]);
    const big = leaderOf({ maxSizePerMessage: 40 });
    expect(appendsTo(2, proposeAll(big, 1, 1000))).toHaveLength(1);
  });

  it('an unreachable follower is probed', () => {
    const leader = leaderOf({});
    proposeAll(leader, 2);
    leader.core.reportUnreachable(2);
    expect(leader.core.status().progress[1]).toMatchObject({ state: 'probe', match: 1, next: 2 });
    leader.core.reportUnreachable(2);
    leader.core.reportUnreachable(99);
    expect(appendsTo(2, proposeAll(leader, 1))).toMatchObject([{ index: 1 }]);
    expect(leader.core.status().progress[1]).toMatchObject({ isPaused: true });
    expect(appendsTo(2, proposeAll(leader, 1))).toEqual([]);
    expect(appendsTo(2, leader.receive(ack(1)))).toMatchObject([{ index: 1 }]);
    expect(leader.core.status().progress[1]).toMatchObject({ state: 'replicate' });
  });

  it('proposals are dropped while too much is uncommitted, but one alone may be of any size', () => {
    const leader = leaderOf({ maxUncommittedEntriesSize: 100 });
    expect(leader.core.propose(new Uint8Array(500))).toBe('accepted');
    expect(leader.core.propose(new Uint8Array(1))).toBe('proposalDropped');
    expect(leader.core.propose(new Uint8Array(0))).toBe('accepted');
    leader.drain();
    leader.receive(ack(3));
    expect(leader.core.propose(new Uint8Array(60))).toBe('accepted');
    expect(leader.core.propose(new Uint8Array(60))).toBe('proposalDropped');
  });

  it('a change of membership that is dropped for its size leaves the next one free', () => {
    const leader = leaderOf({ maxUncommittedEntriesSize: 4 });
    leader.core.propose(new Uint8Array(4));
    const asked = { transition: 'auto', steps: [{ kind: 'addVoter', nodeId: 4 }], context: bytes('') } as const;
    expect(leader.core.proposeConfChange(asked)).toBe('proposalDropped');
    leader.drain();
    leader.receive(ack(2));
    expect(leader.core.proposeConfChange(asked)).toBe('accepted');
  });

  it('committed entries are handed out within the limit, in order, once', () => {
    const leader = leaderOf({ maxCommittedSizePerReady: 1 });
    proposeAll(leader, 3);
    leader.core.step(ack(4));
    const batches: number[][] = [];
    while (leader.core.hasReady()) batches.push(leader.work().committedEntries.map(({ index }) => index));
    expect(batches.filter((batch) => batch.length > 0)).toEqual([[2], [3], [4]]);
  });
});
