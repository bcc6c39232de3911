import { describe, expect, it } from 'vitest';
import { Progress } from '../../src/tracker/progress.ts';

function progress(match: number, next: number): Progress {
  const made = new Progress(1, next, 2, Infinity);
  made.reset(match, next);
  return made;
}

describe('Progress', () => {
  it('probes one message at a time', () => {
    const probing = progress(0, 5);
    probing.recordSent(0, 0);
    expect(probing.isPaused()).toBe(false);
    probing.recordSent(3, 10);
    expect([probing.isPaused(), probing.next]).toEqual([true, 5]);
    expect(probing.raiseMatch(4)).toBe(true);
    expect([probing.isPaused(), probing.match, probing.next]).toEqual([false, 4, 5]);
  });

  it('replicates ahead, within its window', () => {
    const replicating = progress(4, 5);
    replicating.becomeReplicate();
    replicating.recordSent(2, 10);
    expect([replicating.next, replicating.isPaused()]).toEqual([7, false]);
    replicating.recordSent(1, 10);
    expect([replicating.next, replicating.isPaused()]).toEqual([8, true]);
  });

  it('never moves back on old news', () => {
    const replicating = progress(4, 9);
    expect(replicating.raiseMatch(4)).toBe(false);
    expect(replicating.raiseMatch(3)).toBe(false);
    replicating.becomeReplicate();
    expect(replicating.lowerNext(4, 2)).toBe(false);
    const probing = progress(4, 9);
    expect(probing.lowerNext(5, 2)).toBe(false);
    expect([probing.match, probing.next]).toEqual([4, 9]);
  });

  it('goes back to the hint when the latest probe is rejected, but never below what matches', () => {
    const probing = progress(4, 9);
    expect([probing.lowerNext(8, 6), probing.next]).toEqual([true, 7]);
    expect([probing.lowerNext(6, 1), probing.next]).toEqual([true, 5]);
    const behind = progress(0, 9);
    expect([behind.lowerNext(8, 20), behind.next]).toEqual([true, 8]);
  });

  it('tells a commit index that may be news', () => {
    const replicating = progress(4, 5);
    replicating.becomeReplicate();
    expect(replicating.canBumpCommit(3)).toBe(true);
    replicating.recordSentCommit(3);
    expect(replicating.canBumpCommit(3)).toBe(false);
    expect(replicating.canBumpCommit(9)).toBe(true);
    replicating.recordSentCommit(4);
    expect(replicating.canBumpCommit(9)).toBe(false);
  });

  it('waits for a snapshot, and probes behind it', () => {
    const waiting = progress(4, 5);
    waiting.becomeSnapshot(20);
    expect([waiting.isPaused(), waiting.next, waiting.pendingSnapshot]).toEqual([true, 21, 20]);
    waiting.becomeProbe();
    expect([waiting.isPaused(), waiting.next, waiting.pendingSnapshot]).toEqual([false, 21, 0]);
    waiting.becomeSnapshot(20);
    waiting.becomeReplicate();
    expect(waiting.next).toBe(5);
    waiting.becomeProbe();
    expect([waiting.state, waiting.next]).toEqual(['probe', 5]);
  });
});
