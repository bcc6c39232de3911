import { SimulatedWorld } from '@flotilla/runtime';
import { describe, expect, it } from 'vitest';
import {
  BackendError,
  CancelledError,
  ClosedError,
  ConnectionError,
  openSession,
  type Session,
  SessionLostError,
  TimeoutError,
  ValidationError,
} from '../../src/index.ts';
import { ScriptedLeaseServer } from './scripted-lease-server.ts';

const ttlMs = 9_000;
/** A tenth of the ttl. */
const marginMs = 900;

function build(seed = 1) {
  const world = new SimulatedWorld(seed);
  const runtime = world.createRuntime('holder');
  const server = new ScriptedLeaseServer(world.createRuntime('server'));
  const backend = server.connect(runtime);
  const run = async <T>(promise: Promise<T>): Promise<T> => {
    let isDone = false;
    const done = (): void => {
      isDone = true;
    };
    promise.then(done, done);
    await world.runUntil(() => isDone, 120_000);
    return promise;
  };
  const open = (options: { renewIntervalMs?: number } = {}): Promise<Session> =>
    run(openSession(backend, { ttlMs, runtime, ...options }));
  return { world, runtime, server, backend, run, open };
}

const keepAlivesOf = (server: ScriptedLeaseServer): number[] =>
  server.calls.filter(({ type }) => type === 'keepAlive').map(({ atMs }) => atMs);

describe('a session', () => {
  it('keeps its lease alive for as long as it is open, renewed in its rhythm', async () => {
    const { world, server, open } = build();
    const session = await open({ renewIntervalMs: 2_000 });
    expect(session.ttlMs).toBe(ttlMs);
    await world.advance(60_000);
    expect(session.isAlive).toBe(true);
    expect(server.holds(session.leaseId)).toBe(true);
    expect(keepAlivesOf(server).slice(0, 3)).toEqual([2_005, 4_005, 6_005]);
  });

  it('renews after a third of its ttl unless told otherwise', async () => {
    const { world, server, open } = build();
    await open();
    await world.advance(10_000);
    expect(keepAlivesOf(server)).toEqual([3_005, 6_005, 9_005]);
  });

  it('counts what is left from when the confirmed renewal was sent, less its margin', async () => {
    const { world, open, server } = build();
    server.answerMs = 400;
    const session = await open();
    expect(world.nowMs).toBe(405);
    expect(session.remainingMs).toBe(ttlMs - marginMs - 405);
    // Sent at 3,000, confirmed at 3,405.
    await world.advance(3_404 - 405);
    expect(session.remainingMs).toBe(ttlMs - marginMs - 3_404);
    await world.advance(1);
    expect(session.remainingMs).toBe(ttlMs - marginMs - 405);
  });

  it('knows of its loss before the server lets the lease go, and aborts its signal with the reason', async () => {
    const { world, server, open } = build();
    const session = await open();
    const lostAtMs: number[] = [];
    session.signal.addEventListener('abort', () => lostAtMs.push(world.nowMs));
    server.isCut = true;
    await world.runUntil(() => !server.holds(session.leaseId), 60_000);
    expect(lostAtMs).toEqual([ttlMs - marginMs]);
    expect(session.isAlive).toBe(false);
    expect(session.remainingMs).toBe(0);
    expect(session.signal.reason).toBeInstanceOf(SessionLostError);
    expect(session.signal.reason).toMatchObject({ code: 'sessionLost' });
  });

  it('lives on when failed renewals are followed by one that succeeds within the ttl', async () => {
    const { world, server, open } = build();
    const session = await open();
    server.isCut = true;
    await world.advance(7_000);
    server.isCut = false;
    await world.advance(60_000);
    expect(session.isAlive).toBe(true);
    expect(server.holds(session.leaseId)).toBe(true);
  });

  it('tries again more and more slowly while renewals fail, and in its rhythm once they succeed', async () => {
    const { world, server, open } = build();
    const session = await open();
    server.failures.push(...Array.from({ length: 5 }, () => new BackendError('unavailable', 'nobody leads')));
    await world.advance(8_000);
    const gaps = keepAlivesOf(server).map((atMs, index, all) => atMs - (all[index - 1] ?? 0));
    // A wait is between half of 50, 75, 112, 169, 253 ms and the whole; a call takes 10 ms.
    const bounds = [50, 75, 112.5, 168.75, 253.125].map((most) => [most / 2 + 10, most + 10] as const);
    for (const [index, [least, most]] of bounds.entries()) {
      expect(gaps[index + 1]).toBeGreaterThanOrEqual(least);
      expect(gaps[index + 1]).toBeLessThanOrEqual(most);
    }
    expect(gaps[6]).toBe(3_000);
    expect(session.isAlive).toBe(true);
  });

  it('is lost at once when the server has no such lease', async () => {
    const { world, server, backend, open, run } = build();
    const session = await open();
    await run(backend.revokeLease(session.leaseId));
    await world.advance(4_000);
    expect(session.signal.reason).toBeInstanceOf(SessionLostError);
    expect(session.isAlive).toBe(false);
    expect(keepAlivesOf(server)).toHaveLength(1);
  });

  it('is lost at once when the backend is closed', async () => {
    const { world, server, open } = build();
    const session = await open();
    server.failures.push(new BackendError('closed', 'closed'));
    await world.advance(4_000);
    expect(session.signal.reason).toBeInstanceOf(SessionLostError);
  });

  it('does not count a renewal whose answer comes after the deadline, though the server took it', async () => {
    const { world, server, open } = build();
    const session = await open();
    server.answersAreLost = true;
    await world.advance(9_000);
    expect(server.holds(session.leaseId)).toBe(true);
    expect(session.isAlive).toBe(false);
    server.answersAreLost = false;
    await world.advance(60_000);
    expect(session.isAlive).toBe(false);
    expect(server.holds(session.leaseId)).toBe(false);
  });

  it('is dead right after its process was paused for longer than its ttl, before any timer has run', async () => {
    const { world, runtime, server, open } = build();
    const session = await open();
    runtime.pause();
    await world.advance(20_000);
    // Asked before `resume`: no timer and no answer has reached the process.
    expect(session.isAlive).toBe(false);
    expect(session.signal.aborted).toBe(true);
    const sent = server.calls.length;
    runtime.resume();
    await world.advance(20_000);
    expect(session.isAlive).toBe(false);
    expect(server.calls).toHaveLength(sent);
  });

  it('outlives a pause that is shorter than what is left', async () => {
    const { world, runtime, open } = build();
    const session = await open();
    runtime.pause();
    await world.advance(7_500);
    runtime.resume();
    await world.advance(60_000);
    expect(session.isAlive).toBe(true);
  });

  it('is not moved by jumps of the wall clock', async () => {
    const { world, runtime, open } = build();
    const session = await open();
    runtime.clock.jumpWall(3_600_000);
    await world.advance(5_000);
    expect(session.isAlive).toBe(true);
    runtime.clock.jumpWall(-7_200_000);
    await world.advance(20_000);
    expect(session.isAlive).toBe(true);
  });
});

describe('renew', () => {
  it('sends a renewal now and counts from it', async () => {
    const { world, server, open, run } = build();
    const session = await open();
    await world.advance(1_000);
    await run(session.renew());
    expect(keepAlivesOf(server)).toEqual([1_015]);
    expect(session.remainingMs).toBe(ttlMs - marginMs - 10);
  });

  it('waits for a renewal that was sent after it was asked for', async () => {
    const { world, server, open, run } = build();
    const session = await open();
    server.answerMs = 300;
    await world.advance(3_000);
    expect(keepAlivesOf(server)).toEqual([3_005]);
    expect(session.remainingMs).toBe(ttlMs - marginMs - 3_010);
    await run(session.renew());
    expect(keepAlivesOf(server)).toEqual([3_005, 3_310]);
  });

  it('goes on until a renewal succeeds', async () => {
    const { server, open, run } = build();
    const session = await open();
    server.failures.push(new BackendError('unavailable', 'nobody leads'), new BackendError('timeout', 'slow'));
    await run(session.renew());
    expect(keepAlivesOf(server)).toHaveLength(3);
  });

  it('rejects when the lease is lost meanwhile, was lost, or the session is closed', async () => {
    const { server, open, run } = build();
    const session = await open();
    server.isCut = true;
    await expect(run(session.renew())).rejects.toBeInstanceOf(SessionLostError);
    await expect(session.renew()).rejects.toBeInstanceOf(SessionLostError);
    server.isCut = false;
    const other = await open();
    await run(other.close());
    await expect(other.renew()).rejects.toBeInstanceOf(SessionLostError);
  });

  it('ends with its signal, and the session lives on', async () => {
    const { world, server, open, run } = build();
    const session = await open();
    server.isCut = true;
    const controller = new AbortController();
    const renewing = session.renew({ signal: controller.signal });
    await world.advance(10);
    controller.abort();
    await expect(run(renewing)).rejects.toBeInstanceOf(CancelledError);
    await expect(session.renew({ signal: controller.signal })).rejects.toBeInstanceOf(CancelledError);
    server.isCut = false;
    await world.advance(30_000);
    expect(session.isAlive).toBe(true);
  });
});

describe('close', () => {
  it('revokes the lease, once, and aborts the signal plainly', async () => {
    const { world, server, open, run } = build();
    const session = await open();
    const closing = session.close();
    expect(session.isAlive).toBe(false);
    expect(session.signal.reason).toMatchObject({ name: 'AbortError' });
    await run(Promise.all([closing, session.close(), session[Symbol.asyncDispose]()]));
    expect(server.holds(session.leaseId)).toBe(false);
    await world.advance(30_000);
    expect(server.calls.map(({ type }) => type)).toEqual(['grant', 'revoke']);
  });

  it('asks again until a server answers', async () => {
    const { server, open, run } = build();
    const session = await open();
    server.failures.push(new BackendError('unavailable', 'nobody leads'), new BackendError('outcomeUnknown', 'cut'));
    await run(session.close());
    expect(server.holds(session.leaseId)).toBe(false);
    expect(server.calls).toHaveLength(4);
  });

  it('resolves when no server answers for so long that the lease runs out', async () => {
    const { world, server, open, run } = build();
    const session = await open();
    await world.advance(1_000);
    server.isCut = true;
    await run(session.close());
    expect(server.holds(session.leaseId)).toBe(false);
    expect(world.nowMs).toBeLessThan(1_010 + ttlMs + marginMs + 1_000);
  });

  it('rejects with its signal, and the lease is revoked all the same', async () => {
    const { world, server, open, run } = build();
    const session = await open();
    server.isCut = true;
    const controller = new AbortController();
    const closing = session.close({ signal: controller.signal });
    await world.advance(100);
    controller.abort();
    await expect(run(closing)).rejects.toBeInstanceOf(CancelledError);
    server.isCut = false;
    await run(session.close());
    expect(server.holds(session.leaseId)).toBe(false);
    expect(world.nowMs).toBeLessThan(ttlMs);
  });

  it('rejects when the backend was closed before', async () => {
    const { server, open, run } = build();
    const session = await open();
    server.failures.push(new BackendError('closed', 'closed'));
    await expect(run(session.close())).rejects.toBeInstanceOf(ClosedError);
  });

  it('of a lost session revokes what the server may still have', async () => {
    const { world, server, open, run } = build();
    const session = await open();
    server.answersAreLost = true;
    await world.advance(8_200);
    expect(session.isAlive).toBe(false);
    expect(server.holds(session.leaseId)).toBe(true);
    server.answersAreLost = false;
    await run(session.close());
    expect(server.holds(session.leaseId)).toBe(false);
  });
});

describe('openSession', () => {
  it.each([0, -1, Number.NaN, Number.POSITIVE_INFINITY])('refuses a ttl of %d', async (wrong) => {
    const { backend, runtime } = build();
    await expect(openSession(backend, { ttlMs: wrong, runtime })).rejects.toBeInstanceOf(ValidationError);
  });

  it.each([0, -1, Number.NaN, ttlMs - marginMs])('refuses to renew every %d ms', async (renewIntervalMs) => {
    const { backend, runtime } = build();
    await expect(openSession(backend, { ttlMs, renewIntervalMs, runtime })).rejects.toBeInstanceOf(ValidationError);
  });

  it('takes the longest interval that leaves time for a renewal', async () => {
    const { open } = build();
    expect((await open({ renewIntervalMs: ttlMs - marginMs - 1 })).isAlive).toBe(true);
  });

  it('rejects with the error of the backend, mapped', async () => {
    const { server, open, backend, runtime, run } = build();
    server.failures.push(new BackendError('unavailable', 'nobody leads'));
    await expect(open()).rejects.toBeInstanceOf(ConnectionError);
    server.isCut = true;
    await expect(run(openSession(backend, { ttlMs, runtime, timeoutMs: 50 }))).rejects.toBeInstanceOf(TimeoutError);
    const signal = AbortSignal.abort();
    await expect(run(openSession(backend, { ttlMs, runtime, signal }))).rejects.toBeInstanceOf(CancelledError);
  });

  it('gives a dead session when the answer took longer than the lease', async () => {
    const { server, backend, runtime, run } = build();
    server.answerMs = 500;
    const session = await run(openSession(backend, { ttlMs: 100, runtime, timeoutMs: 5_000 }));
    expect(session.isAlive).toBe(false);
    expect(session.signal.reason).toBeInstanceOf(SessionLostError);
  });
});
