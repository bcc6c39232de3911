import { describe, expect, it } from 'vitest';
import { CancelledError, ClosedError, Election, NotHeldError, TimeoutError } from '../../src/index.ts';
import { LockWorld } from './lock-world.ts';

const ttlMs = 9_000;

/** An election as one process takes part in it. */
function candidate(w: LockWorld, label: string) {
  const process = w.process(label);
  const election = new Election('e', { backend: process.backend, runtime: process.runtime, defaultTtlMs: ttlMs });
  return { ...process, election };
}

const textOf = (leader: { readonly value: Uint8Array } | undefined): string | undefined =>
  leader && Buffer.from(leader.value).toString();

/** Collects what is observed, until the signal. */
function observe(election: Election, signal?: AbortSignal) {
  const seen: (string | undefined)[] = [];
  const done = (async () => {
    for await (const leader of election.observe({ signal })) seen.push(textOf(leader));
  })();
  // Looked at later, if at all.
  done.catch(() => {});
  return { seen, done };
}

describe('an election', () => {
  it('has one leader at a time, in the order of candidacy', async () => {
    const w = await LockWorld.open();
    const [a, b, c] = ['a', 'b', 'c'].map((label) => candidate(w, label));
    expect(await w.run(a!.election.leader())).toBeUndefined();
    const first = await w.run(a!.election.campaign('a'));
    const second = b!.election.campaign('b');
    await w.world.advance(10);
    const third = c!.election.campaign('c');
    expect(await w.isOpen(Promise.race([second, third]), 30_000)).toBe(true);
    expect(first.isLeader).toBe(true);
    expect(textOf(await w.run(c!.election.leader()))).toBe('a');
    await w.run(first.resign());
    expect(first.isLeader).toBe(false);
    const next = await w.run(second);
    expect(next.fencingToken).toBeGreaterThan(first.fencingToken);
    expect(await w.run(c!.election.leader())).toMatchObject({ fencingToken: next.fencingToken });
    await w.run(next.resign());
    expect((await w.run(third)).isLeader).toBe(true);
  });

  it('tells the leader of its loss before the next one leads', async () => {
    const w = await LockWorld.open();
    const a = candidate(w, 'a');
    const leadership = await w.run(a.election.campaign('a'));
    const next = candidate(w, 'b').election.campaign('b');
    a.link.isCut = true;
    const lostAtMs: number[] = [];
    leadership.signal.addEventListener('abort', () => lostAtMs.push(w.world.nowMs));
    await w.run(next);
    expect(lostAtMs[0]).toBeLessThan(w.world.nowMs);
    a.link.isCut = false;
    await expect(w.run(leadership.proclaim('late'))).rejects.toBeInstanceOf(NotHeldError);
  });

  it('lets its leader proclaim, and nobody who leads no more', async () => {
    const w = await LockWorld.open();
    const { election, backend } = candidate(w, 'a');
    const leadership = await w.run(election.campaign('one'));
    await w.run(leadership.proclaim('two'));
    const leader = await w.run(election.leader());
    expect(textOf(leader)).toBe('two');
    expect(leader?.fencingToken).toBe(leadership.fencingToken);
    expect(leader?.revision).toBeGreaterThan(leadership.fencingToken);
    await w.run(backend.delete({ key: Buffer.from('/elections/e/'), end: Buffer.from('/elections/e0') }));
    await expect(w.run(leadership.proclaim('three'))).rejects.toBeInstanceOf(NotHeldError);
    expect(leadership.isLeader).toBe(false);
  });

  it('is observed from leader to leader, with what they proclaim and when nobody leads', async () => {
    const w = await LockWorld.open();
    const a = candidate(w, 'a');
    const controller = new AbortController();
    const { seen, done } = observe(candidate(w, 'observer').election, controller.signal);
    await w.world.advance(100);
    const one = await w.run(a.election.campaign('one'));
    await w.run(one.proclaim('uno'));
    await w.run(one.proclaim('un'));
    await w.world.advance(100);
    await w.run(one.resign());
    await w.world.advance(100);
    const two = await w.run(candidate(w, 'b').election.campaign('two'));
    await w.world.advance(100);
    expect(seen).toEqual([undefined, 'one', 'uno', 'un', undefined, 'two']);
    controller.abort();
    await expect(w.run(done)).rejects.toBeInstanceOf(CancelledError);
    expect(two.isLeader).toBe(true);
  });

  it('is observed on after compaction took what an observer missed', async () => {
    const w = await LockWorld.open();
    const a = candidate(w, 'a');
    const observer = candidate(w, 'observer');
    const leadership = await w.run(a.election.campaign('one'));
    const { seen } = observe(observer.election);
    await w.world.advance(100);
    observer.link.isCut = true;
    await w.run(leadership.proclaim('two'));
    await w.run(leadership.proclaim('three'));
    const { revision } = await w.run(w.backend.range({ key: Buffer.from('x') }));
    await w.run(w.backend.compact(revision));
    observer.link.isCut = false;
    await w.world.advance(1_000);
    expect(seen.at(-1)).toBe('three');
    await w.run(leadership.proclaim('four'));
    await w.world.advance(1_000);
    expect(seen.at(-1)).toBe('four');
  });

  it('ends campaigns by signal and by time, and all of them when it is closed', async () => {
    const w = await LockWorld.open();
    const a = candidate(w, 'a');
    const b = candidate(w, 'b');
    const leadership = await w.run(a.election.campaign('a'));
    await expect(w.run(b.election.campaign('b', { timeoutMs: 500 }))).rejects.toBeInstanceOf(TimeoutError);
    const controller = new AbortController();
    const campaign = b.election.campaign('b', { signal: controller.signal });
    await w.world.advance(100);
    controller.abort();
    await expect(w.run(campaign)).rejects.toBeInstanceOf(CancelledError);
    const waiting = b.election.campaign('b');
    const { done } = observe(b.election);
    await w.world.advance(100);
    const closing = b.election.close();
    await expect(w.run(waiting)).rejects.toBeInstanceOf(ClosedError);
    await expect(w.run(done)).rejects.toBeInstanceOf(ClosedError);
    await w.run(closing);
    expect(await w.keys()).toHaveLength(1);
    await w.run(a.election.close());
    expect(leadership.isLeader).toBe(false);
    expect(await w.keys()).toEqual([]);
  });
});
