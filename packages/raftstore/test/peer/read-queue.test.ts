import { raft_cmdpb } from '@flotilla/protocol';
import { describe, expect, it } from 'vitest';
import { ReadQueue } from '../../src/peer/read-queue.ts';

function read() {
  return { request: raft_cmdpb.RaftCmdRequest.create(), reply: () => {}, receivedAtMs: 0 };
}

describe('ReadQueue', () => {
  it('runs a round once it is confirmed and applied, all its reads together, rounds in order', () => {
    const queue = new ReadQueue();
    expect(queue.beginRound()).toBeUndefined();
    const [first, second, third] = [read(), read(), read()];
    queue.push(first);
    queue.push(second);
    const one = queue.beginRound()!;
    queue.push(third);
    const two = queue.beginRound()!;
    expect(queue.length).toBe(3);
    expect(queue.takeReady(100)).toEqual([]);
    queue.confirm(one, 10);
    expect(queue.takeReady(9)).toEqual([]);
    expect(queue.takeReady(10)).toEqual([first, second]);
    queue.confirm(two, 11);
    expect(queue.takeReady(11)).toEqual([third]);
    expect(queue.isEmpty).toBe(true);
  });

  it('confirms earlier rounds with a later one', () => {
    const queue = new ReadQueue();
    queue.push(read());
    queue.beginRound();
    queue.push(read());
    const later = queue.beginRound()!;
    queue.confirm(later, 7);
    expect(queue.takeReady(7)).toHaveLength(2);
  });

  it('asks again for rounds that the core has dropped', () => {
    const queue = new ReadQueue();
    queue.push(read());
    queue.beginRound();
    queue.restart();
    expect(queue.length).toBe(1);
    const again = queue.beginRound()!;
    queue.confirm(again, 3);
    expect(queue.takeReady(3)).toHaveLength(1);
  });
});
