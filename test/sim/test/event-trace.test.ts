import { eraftpb, raft_serverpb } from '@flotilla/protocol';
import { expect, it } from 'vitest';
import { EventTrace } from '../src/event-trace.ts';

function heartbeat(commit: number): raft_serverpb.RaftMessage {
  const message = eraftpb.Message.create({ msgType: eraftpb.MessageType.MsgHeartbeat, term: 6, commit });
  return raft_serverpb.RaftMessage.create({ regionId: 2, message });
}

it('counts heartbeats in its tail and hashes each of them', () => {
  let nowMs = 0;
  const record = (commits: readonly number[]): EventTrace => {
    const trace = new EventTrace(() => nowMs);
    nowMs = 1;
    trace.note('before');
    for (const commit of commits) trace.message(heartbeat(commit), 1);
    nowMs = 2;
    trace.note('after');
    trace.message(heartbeat(9), 1);
    return trace;
  };
  const trace = record([7, 8]);
  expect(trace.tail().map((line) => line.trim())).toEqual([
    '1.00  before',
    '2.00  … 2 heartbeats and answers',
    '2.00  after',
    '2.00  … 1 heartbeats and answers',
  ]);
  expect(record([7, 8]).hash).toBe(trace.hash);
  expect(record([7, 7]).hash).not.toBe(trace.hash);
});

it('keeps its last lines only', () => {
  const trace = new EventTrace(() => 0);
  for (let line = 0; line < 500; line += 1) trace.note(`line ${line}`);
  expect(trace.tail()).toHaveLength(120);
  expect(trace.tail().at(-1)).toContain('line 499');
});
