import { describe, expect, it } from 'vitest';
import {
  Barrier,
  CancelledError,
  ConflictError,
  DoubleBarrier,
  type Participant,
  SessionLostError,
  TimeoutError,
  ValidationError,
} from '../../src/index.ts';
import { LockWorld } from './lock-world.ts';

describe('a barrier', () => {
  const open = (w: LockWorld, label: string) => new Barrier('b', w.process(label));

  it('holds up whoever comes while it is up, and nobody else', async () => {
    const w = await LockWorld.open();
    const barrier = open(w, 'a');
    await w.run(open(w, 'early').wait());
    await w.run(barrier.hold());
    await expect(w.run(open(w, 'b').hold())).rejects.toBeInstanceOf(ConflictError);
    const waiting = Promise.all(['c', 'd', 'e'].map((label) => open(w, label).wait()));
    expect(await w.isOpen(waiting, 60_000)).toBe(true);
    await w.run(barrier.release());
    await w.run(waiting);
    await w.run(barrier.release());
    await w.run(open(w, 'late').wait());
  });

  it('lets go those who waited though it was raised again at once', async () => {
    const w = await LockWorld.open();
    const barrier = open(w, 'a');
    await w.run(barrier.hold());
    const waiting = open(w, 'b').wait();
    await w.world.advance(100);
    await w.run(w.backend.delete({ key: Buffer.from('/barriers/b') }));
    await w.run(barrier.hold());
    await w.run(waiting);
  });

  it('ends a wait by signal and by time', async () => {
    const w = await LockWorld.open();
    const barrier = open(w, 'a');
    await w.run(barrier.hold());
    await expect(w.run(barrier.wait({ timeoutMs: 500 }))).rejects.toBeInstanceOf(TimeoutError);
    await expect(w.run(barrier.wait({ signal: AbortSignal.abort() }))).rejects.toBeInstanceOf(CancelledError);
  });
});

describe('a double barrier', () => {
  const ttlMs = 9_000;
  const open = (w: LockWorld, label: string, parties = 3) => {
    const process = w.process(label);
    const { backend, runtime } = process;
    return { ...process, barrier: new DoubleBarrier('b', parties, { backend, runtime, defaultTtlMs: ttlMs }) };
  };

  it('lets all in once all have come, and out once all have left; again and again', async () => {
    const w = await LockWorld.open();
    const members = ['a', 'b', 'c'].map((label) => open(w, label));
    for (let round = 0; round < 3; round += 1) {
      const [first, second] = [members[0]!.barrier.enter(), members[1]!.barrier.enter()];
      expect(await w.isOpen(Promise.race([first, second]), 30_000)).toBe(true);
      const inside = await w.run(Promise.all([first, second, members[2]!.barrier.enter()]));
      const leaving = inside.slice(0, 2).map((participant) => participant.leave());
      expect(await w.isOpen(Promise.race(leaving), 30_000)).toBe(true);
      await w.run(Promise.all([...leaving, inside[2]!.leave()]));
      await w.run(inside[0]!.leave());
      expect(await w.keys()).toEqual([]);
      expect(await w.leaseIds()).toEqual([]);
    }
  });

  it('lets out in any order of leaving', async () => {
    for (const order of [
      [2, 1, 0],
      [1, 0, 2],
      [0, 2, 1],
    ] as const) {
      const w = await LockWorld.open();
      const inside: Participant[] = await w.run(
        Promise.all(['a', 'b', 'c'].map((label) => open(w, label).barrier.enter())),
      );
      const leaving: Promise<void>[] = [];
      for (const [index, member] of order.entries()) {
        leaving.push(inside[member]!.leave());
        if (index < 2) expect(await w.isOpen(Promise.race(leaving), 20_000)).toBe(true);
      }
      await w.run(Promise.all(leaving));
      expect(await w.keys()).toEqual([]);
    }
  });

  it('counts one that is gone as having left', async () => {
    const w = await LockWorld.open();
    const gone = open(w, 'a');
    const entering = [gone.barrier.enter(), open(w, 'b').barrier.enter(), open(w, 'c').barrier.enter()];
    const inside = await w.run(Promise.all(entering));
    gone.runtime.halt();
    await w.run(Promise.all([inside[1]!.leave(), inside[2]!.leave()]));
    expect((await w.keys()).filter((key) => key.includes('/waiters/'))).toEqual([]);
  });

  it('counts nobody who is gone before all have come', async () => {
    const w = await LockWorld.open();
    const gone = open(w, 'a', 2);
    gone.barrier.enter().catch(() => {});
    await w.world.advance(100);
    gone.runtime.halt();
    await w.world.advance(ttlMs + 500);
    const first = open(w, 'b', 2).barrier.enter();
    expect(await w.isOpen(first, 20_000)).toBe(true);
    await w.run(Promise.all([first, open(w, 'c', 2).barrier.enter()]));
  });

  it('is not entered by one too many, nor on the strength of a former round', async () => {
    const w = await LockWorld.open();
    const inside = await w.run(Promise.all([open(w, 'a', 2).barrier.enter(), open(w, 'b', 2).barrier.enter()]));
    await expect(w.run(open(w, 'c', 2).barrier.enter())).rejects.toBeInstanceOf(ConflictError);
    const leaving = inside[1]!.leave();
    await w.world.advance(100);
    // One of the former round is inside still.
    await expect(w.run(open(w, 'd', 2).barrier.enter())).rejects.toBeInstanceOf(ConflictError);
    await w.run(Promise.all([leaving, inside[0]!.leave()]));
    // A round whose participants all died leaves its mark behind.
    await w.run(w.backend.put({ key: Buffer.from('/barriers/b/ready'), value: Buffer.alloc(0) }));
    const first = open(w, 'e', 2).barrier.enter();
    expect(await w.isOpen(first, 20_000)).toBe(true);
    await w.run(Promise.all([first, open(w, 'f', 2).barrier.enter()]));
  });

  it('leaves nothing of a wait that was given up, and tells of a lease that ended', async () => {
    const w = await LockWorld.open();
    await expect(w.run(open(w, 'a').barrier.enter({ timeoutMs: 500 }))).rejects.toBeInstanceOf(TimeoutError);
    expect(await w.keys()).toEqual([]);
    const b = open(w, 'b');
    const entering = b.barrier.enter();
    await w.world.advance(100);
    b.link.isCut = true;
    await expect(w.run(entering)).rejects.toBeInstanceOf(SessionLostError);
    expect(() => open(w, 'c', 0)).toThrow(ValidationError);
  });
});
