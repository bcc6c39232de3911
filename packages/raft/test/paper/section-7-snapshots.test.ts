import { describe, expect, it } from 'vitest';
import { MemoryStorage } from '../../src/memory-storage.ts';
import type { Snapshot } from '../../src/message.ts';
import { bytes, confStateOf, elect, entry, message, nodeWithLog, snapshotAt, TestNode } from '../cluster.ts';

const voters = [1, 2, 3];
const state = confStateOf(voters);

class SlowStorage extends MemoryStorage {
  ready: Snapshot | undefined;

  override snapshot(): Snapshot | undefined {
    return this.ready;
  }
}

/** A leader of term 2 whose log begins behind index 10, and whose follower 2 lacks what came before. */
function leaderAhead(): { readonly leader: TestNode; readonly storage: SlowStorage } {
  const storage = new SlowStorage();
  storage.applySnapshot(snapshotAt(10, 1, state));
  storage.setHardState({ term: 1, vote: 0, commit: 10 });
  const leader = new TestNode(1, { applied: 10 }, storage);
  elect(leader, [3]);
  leader.receive(message('MsgAppResp', 3, 1, { term: 2, index: 11 }));
  return { leader, storage };
}

const refusal = message('MsgAppResp', 2, 1, { term: 2, index: 10, reject: true, rejectHint: 3 });

describe('raft paper, section 7: snapshots', () => {
  it('a follower that the log no longer reaches gets a snapshot, once it is made', () => {
    const { leader, storage } = leaderAhead();
    expect(leader.receive(refusal)).toEqual([]);
    storage.ready = snapshotAt(11, 2, state);
    const [sent, ...others] = leader.receive(message('MsgHeartbeatResp', 2, 1, { term: 2 }));
    expect(others).toEqual([]);
    expect(sent).toMatchObject({ type: 'MsgSnap', to: 2, term: 2, snapshot: { metadata: { index: 11 } } });
    const progress = leader.core.status().progress[1];
    expect(progress).toMatchObject({ state: 'snapshot', isPaused: true, pendingSnapshot: 11, next: 12 });
    // Nothing else goes there meanwhile.
    leader.core.propose(bytes('x'));
    expect(leader.drain().filter(({ to }) => to === 2)).toEqual([]);
  });

  it('an empty snapshot stops the node: storage cannot be right', () => {
    const { leader, storage } = leaderAhead();
    storage.ready = snapshotAt(0, 0, state);
    expect(() => leader.receive(refusal)).toThrow('empty snapshot');
  });

  it('a follower that is not heard of gets none', () => {
    const { leader, storage } = leaderAhead();
    storage.ready = snapshotAt(11, 2, state);
    expect(leader.core.status().progress[1]).toMatchObject({ recentActive: false });
    expect(leader.tick(1).map(({ type }) => type)).not.toContain('MsgSnap');
  });

  it.each([
    { status: 'finished', next: 12 },
    { status: 'failed', next: 1 },
  ] as const)('a snapshot reported $status resumes probing at $next, with the next answer', ({ status, next }) => {
    const { leader, storage } = leaderAhead();
    storage.ready = snapshotAt(11, 2, state);
    leader.receive(refusal);
    leader.core.reportSnapshot(2, status);
    expect(leader.core.status().progress[1]).toMatchObject({ state: 'probe', next, isPaused: true });
    leader.core.reportSnapshot(2, status);
    leader.core.reportSnapshot(9, status);
    expect(leader.receive(message('MsgHeartbeatResp', 2, 1, { term: 2 }))).toHaveLength(1);
  });

  it('an acknowledgement from which the log goes on ends the wait for a snapshot, one from before does not', () => {
    const { leader, storage } = leaderAhead();
    storage.ready = snapshotAt(11, 2, state);
    leader.receive(refusal);
    leader.receive(message('MsgAppResp', 2, 1, { term: 2, index: 8 }));
    expect(leader.core.status().progress[1]).toMatchObject({ state: 'snapshot', match: 8 });
    leader.receive(message('MsgAppResp', 2, 1, { term: 2, index: 10 }));
    expect(leader.core.status().progress[1]).toMatchObject({ state: 'replicate', match: 10, next: 12 });
  });

  it('a snapshot replaces log and configuration, and is acknowledged when it is stored', () => {
    const node = nodeWithLog(2, voters, [1, 1, 1]);
    const snapshot = snapshotAt(20, 2, confStateOf([1, 2]));
    node.core.step(message('MsgSnap', 1, 2, { term: 2, snapshot }));
    const ready = node.work();
    expect(ready.snapshot).toBe(snapshot);
    expect(ready.messages).toMatchObject([{ type: 'MsgAppResp', to: 1, index: 20, reject: false }]);
    expect(node.core.basicStatus()).toMatchObject({ commit: 20, applied: 20, lastIndex: 20 });
    expect(node.core.status().membership.incoming).toEqual([1, 2]);
  });

  it('while a snapshot is not stored nothing is applied and no election begun', () => {
    const node = nodeWithLog(2, voters, []);
    node.core.step(message('MsgSnap', 1, 2, { term: 2, snapshot: snapshotAt(20, 2, state) }));
    node.core.step(message('MsgApp', 1, 2, { term: 2, index: 20, logTerm: 2, entries: [entry(2, 21)], commit: 21 }));
    node.core.campaign();
    expect(node.core.role).toBe('follower');
    const ready = node.core.ready();
    expect(ready.committedEntries).toEqual([]);
    expect(ready.entries.map(({ index }) => index)).toEqual([21]);
    node.storage.applySnapshot(ready.snapshot!);
    node.storage.append(ready.entries);
    node.core.advance();
    expect(node.core.ready().committedEntries.map(({ index }) => index)).toEqual([21]);
  });

  it('a snapshot that comes late, behind what is committed, is answered with the commit index', () => {
    const node = nodeWithLog(2, voters, [1, 1, 1], { commit: 3 });
    const answers = node.receive(message('MsgSnap', 1, 2, { term: 1, snapshot: snapshotAt(2, 1, state) }));
    expect(answers).toMatchObject([{ type: 'MsgAppResp', index: 3, reject: false }]);
    expect(node.terms()).toEqual([1, 1, 1]);
  });

  it('a snapshot overtaken by appends only says what is committed: the entries behind it stay', () => {
    const node = nodeWithLog(2, voters, [1, 1, 1]);
    const answers = node.receive(message('MsgSnap', 1, 2, { term: 1, snapshot: snapshotAt(2, 1, state) }));
    expect(answers).toMatchObject([{ index: 2, reject: false }]);
    expect(node.core.basicStatus()).toMatchObject({ commit: 2, lastIndex: 3 });
  });

  it('a snapshot whose last entry conflicts with the log replaces all of it', () => {
    const node = nodeWithLog(2, voters, [1, 1, 1]);
    node.receive(message('MsgSnap', 1, 2, { term: 2, snapshot: snapshotAt(2, 2, state) }));
    expect(node.core.basicStatus()).toMatchObject({ commit: 2, lastIndex: 2 });
  });

  it('a snapshot of a group that this node is no member of is not taken in', () => {
    const node = nodeWithLog(2, voters, []);
    const answers = node.receive(
      message('MsgSnap', 1, 2, { term: 2, snapshot: snapshotAt(20, 2, confStateOf([1, 3])) }),
    );
    expect(answers).toMatchObject([{ index: 0 }]);
    expect(node.core.lastIndex).toBe(0);
  });

  it('a second snapshot that arrives while the first is being stored replaces it', () => {
    const node = nodeWithLog(2, voters, []);
    node.core.step(message('MsgSnap', 1, 2, { term: 2, snapshot: snapshotAt(20, 2, state) }));
    const first = node.core.ready();
    node.core.step(message('MsgSnap', 1, 2, { term: 2, snapshot: snapshotAt(30, 2, state) }));
    node.storage.applySnapshot(first.snapshot!);
    node.core.advance();
    expect(node.core.applied).toBe(20);
    expect(node.work().snapshot?.metadata.index).toBe(30);
    expect(node.core.applied).toBe(30);
  });
});
