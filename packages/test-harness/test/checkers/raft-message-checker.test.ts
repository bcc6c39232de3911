import { eraftpb, raft_serverpb } from '@flotilla/protocol';
import { describe, expect, it } from 'vitest';
import { RaftMessageChecker } from '../../src/checkers/raft-message-checker.ts';
import { describeVerdict } from '../../src/checkers/verdict.ts';

const { MessageType } = eraftpb;

type Sent = Partial<eraftpb.Message>;

function judge(...sent: Sent[]): string {
  const checker = new RaftMessageChecker();
  for (const message of sent) {
    checker.note(raft_serverpb.RaftMessage.create({ regionId: 1, message: eraftpb.Message.create(message) }));
  }
  return describeVerdict(checker.verdict());
}

const vote = (from: number, to: number, term: number, reject = false): Sent => ({
  msgType: MessageType.MsgRequestVoteResponse,
  from,
  to,
  term,
  reject,
});

const answer = (from: number, term: number, index: number, reject = false): Sent => ({
  msgType: MessageType.MsgAppendResponse,
  from,
  to: 9,
  term,
  index,
  reject,
});

const heartbeat = (from: number, term: number): Sent => ({ msgType: MessageType.MsgHeartbeat, from, to: 9, term });

/** An append behind `index`, of entries given by term and content. */
function append(
  from: number,
  term: number,
  behind: readonly [number, number],
  contents: readonly [number, string][],
  commit = 0,
): Sent {
  const [index, logTerm] = behind;
  const entries = contents.map(([entryTerm, text], position) =>
    eraftpb.Entry.create({ term: entryTerm, index: index + position + 1, data: Buffer.from(text) }),
  );
  return { msgType: MessageType.MsgAppend, from, to: 9, term, index, logTerm, entries, commit };
}

describe('the checker of raft messages accepts', () => {
  it('one vote a term, repeated, and votes that are refused', () => {
    expect(judge(vote(1, 2, 5), vote(1, 2, 5), vote(1, 3, 5, true), vote(1, 3, 6))).toBe('raft: valid');
  });

  it('acknowledgements out of order, and a rejection behind what was acknowledged', () => {
    expect(judge(answer(1, 3, 7), answer(1, 3, 5), answer(1, 3, 9, true), answer(1, 3, 12))).toBe('raft: valid');
  });

  it('a log that a later leader cuts back, as long as nothing committed goes', () => {
    const sent = [
      append(
        1,
        2,
        [5, 1],
        [
          [2, 'a'],
          [2, 'b'],
        ],
        6,
      ),
      answer(3, 2, 7),
      append(2, 3, [6, 2], [[3, 'c']], 7),
      answer(3, 3, 7, true),
    ];
    // In the term of the second leader, the follower has acknowledged nothing yet.
    expect(judge(...sent)).toBe('raft: valid');
  });

  it('what a leader of an earlier term still sends', () => {
    const late = append(1, 2, [5, 1], [[2, 'a']], 5);
    expect(judge(late, append(2, 3, [5, 1], [[3, 'c']], 6), late)).toBe('raft: valid');
  });

  it('leaders of different terms', () => {
    expect(judge(heartbeat(1, 2), heartbeat(2, 3), heartbeat(1, 2))).toBe('raft: valid');
  });
});

describe('the checker of raft messages knows what a leader has told', () => {
  const told = append(1, 4, [5, 3], [[4, 'a']]);
  const snapshot = (term: number, index: number): Sent => ({
    msgType: MessageType.MsgSnapshot,
    from: 1,
    to: 9,
    term,
    snapshot: eraftpb.Snapshot.create({ metadata: eraftpb.SnapshotMetadata.create({ index, term }) }),
  });

  it('in appends and snapshots of the term', () => {
    expect(judge(told, answer(2, 4, 6), snapshot(4, 9), answer(3, 4, 9), answer(2, 5, 20))).toBe('raft: valid');
  });

  it('and convicts who acknowledges more', () => {
    expect(judge(told, answer(2, 4, 7))).toMatch(/acknowledges 7 in term 4, whose leader has told of 6/);
    expect(judge(told, snapshot(3, 9), answer(2, 4, 9))).toMatch(/acknowledges 9/);
  });
});

describe('the checker of raft messages convicts', () => {
  it('two votes in one term', () => {
    expect(judge(vote(1, 2, 5), vote(1, 3, 5))).toMatch(/peer 1 votes for 2 and for 3 in term 5/);
  });

  it('a vote that is forgotten with its term', () => {
    expect(judge(vote(1, 2, 5), vote(1, 3, 4, true))).toMatch(/in term 4 after it has promised something in 5/);
  });

  it('an acknowledgement that is forgotten', () => {
    expect(judge(answer(1, 3, 7), answer(1, 3, 7, true))).toMatch(/rejects what follows 7/);
  });

  it('two leaders in one term, by heartbeats or appends', () => {
    expect(judge(heartbeat(1, 2), append(2, 2, [5, 1], []))).toMatch(/peers 1 and 2 both lead in term 2/);
  });

  it('two entries of one index and term', () => {
    expect(judge(append(1, 3, [5, 1], [[2, 'a']]), append(1, 4, [5, 1], [[2, 'b']]))).toMatch(/two entries of index 6/);
  });

  it('a committed entry that a later leader replaces, or has otherwise before what it sends', () => {
    const first = append(1, 2, [5, 1], [[2, 'a']], 6);
    expect(judge(first, append(2, 3, [5, 1], [[3, 'b']]))).toMatch(/of term 3 at 6, where one of term 2 was committed/);
    expect(judge(first, append(2, 3, [6, 1], [[3, 'b']]))).toMatch(/of term 1 at 6, where one of term 2 was committed/);
  });
});
