import { raft_cmdpb } from '@flotilla/protocol';
import type { Entry } from '@flotilla/raft';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ProposalQueue } from '../../src/peer/proposal-queue.ts';
import { replyOnce } from '../../src/reply.ts';

const request = raft_cmdpb.RaftCmdRequest.create();

function entry(index: number, term: number): Entry {
  return { type: 'normal', index, term, data: new Uint8Array(0) };
}

/** A queue whose answers are kept by proposal, as `index/term`; a second answer to one throws. */
function watched() {
  const queue = new ProposalQueue();
  const answers = new Map<string, 'stale' | 'other'>();
  const push = (index: number, term: number): void => {
    const reply = replyOnce((result) => {
      answers.set(`${index}/${term}`, result.response.header?.error?.staleCommand === undefined ? 'other' : 'stale');
    });
    queue.push({ index, term, request, reply, proposedAtMs: 0 });
  };
  return { queue, answers, push };
}

describe('ProposalQueue', () => {
  it('gives each entry its own proposal, and fails one whose place another entry took', () => {
    const { queue, answers, push } = watched();
    push(6, 2);
    push(7, 2);
    push(9, 2);
    const taken = queue.take([entry(6, 2), entry(7, 2), entry(8, 2)]);
    expect(taken?.map((proposal) => proposal?.index)).toEqual([6, 7, undefined]);
    expect(answers.size).toBe(0);
    expect(queue.take([entry(9, 3)])).toBeUndefined();
    expect([...answers]).toEqual([['9/2', 'stale']]);
    expect(queue.take([entry(10, 3)])).toBeUndefined();
  });

  it('answers what comes behind an entry of a newer term, whose log may end there', () => {
    const { queue, answers, push } = watched();
    push(6, 2);
    push(7, 2);
    push(8, 4);
    expect(queue.take([entry(6, 3)])).toBeUndefined();
    expect([...answers]).toEqual([
      ['6/2', 'stale'],
      ['7/2', 'stale'],
    ]);
    expect(queue.length).toBe(1);
  });

  it('answers at once what a newer term proposes over', () => {
    const { queue, answers, push } = watched();
    push(6, 2);
    push(7, 2);
    push(8, 2);
    push(7, 5);
    expect([...answers.keys()].sort()).toEqual(['7/2', '8/2']);
    expect(queue.drain().map((proposal) => `${proposal.index}/${proposal.term}`)).toEqual(['6/2', '7/5']);
    expect(queue.length).toBe(0);
  });

  it('drains up to an index', () => {
    const { queue, push } = watched();
    for (const index of [6, 7, 8]) push(index, 2);
    expect(queue.drain(7).map((proposal) => proposal.index)).toEqual([6, 7]);
    expect(queue.length).toBe(1);
  });

  it('takes or answers each proposal exactly once, whatever is proposed, overwritten and applied', () => {
    const step = fc.oneof(
      fc.record({ type: fc.constant('propose' as const), count: fc.integer({ min: 1, max: 4 }) }),
      fc.record({ type: fc.constant('overwrite' as const), back: fc.integer({ min: 0, max: 5 }) }),
      fc.record({ type: fc.constant('apply' as const), count: fc.integer({ min: 1, max: 4 }) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const { queue, answers, push } = watched();
        const log: number[] = [];
        const pushed: string[] = [];
        const taken: string[] = [];
        let applied = 0;
        let term = 1;
        for (const one of steps) {
          if (one.type === 'propose') {
            for (let left = one.count; left > 0; left -= 1) {
              log.push(term);
              push(log.length, term);
              pushed.push(`${log.length}/${term}`);
            }
          } else if (one.type === 'overwrite') {
            // A new leader's entry takes the place of what was not applied.
            term += 1;
            log.length = Math.max(applied, log.length - one.back);
            log.push(term);
            term += 1;
          } else {
            const from = applied;
            applied = Math.min(log.length, applied + one.count);
            const entries = log.slice(from, applied).map((entryTerm, offset) => entry(from + offset + 1, entryTerm));
            for (const proposal of queue.take(entries) ?? []) {
              if (proposal !== undefined) taken.push(`${proposal.index}/${proposal.term}`);
            }
          }
        }
        const waiting = queue.drain().map((proposal) => `${proposal.index}/${proposal.term}`);
        expect([...taken, ...answers.keys(), ...waiting].sort()).toEqual([...pushed].sort());
      }),
    );
  });
});
