import type { Worker } from 'node:worker_threads';
import { createMemoryLogger, createSystemRuntime, type MemoryLogger } from '@flotilla/runtime';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type CoordinationBackend, openEtcdBackend, openSession, SessionLostError } from '../../src/index.ts';
import { type EtcdProcess, isEtcdInstalled, startEtcd } from '../etcd/etcd-process.ts';
import { eventually } from '../etcd/eventually.ts';

/** The shortest that etcd grants. */
const ttlMs = 2_000;

/** Keeps this thread from doing anything else. */
function stallFor(ms: number): void {
  const untilMs = performance.now() + ms;
  while (performance.now() < untilMs);
}

describe.skipIf(!isEtcdInstalled())('the thread that renews leases', () => {
  let etcd: EtcdProcess;
  let backend: CoordinationBackend;
  let logger: MemoryLogger;
  const threads: Worker[] = [];
  const readiness = new Map<Worker, Promise<unknown>>();
  const note = (thread: Worker): void => {
    threads.push(thread);
    readiness.set(thread, new Promise((resolve) => thread.once('message', resolve)));
  };
  /** The first thing that a thread says is that its backend is open. */
  const ready = async (index: number): Promise<Worker> => {
    const thread = await eventually(() => threads[index] ?? Promise.reject(new Error('no such thread')));
    await readiness.get(thread);
    return thread;
  };
  const open = (over = backend) => openSession(over, { ttlMs, runtime: createSystemRuntime({ logger }) });
  const liveThreads = (): number => threads.filter((thread) => thread.threadId !== -1).length;

  beforeAll(async () => {
    etcd = await startEtcd();
  });

  afterAll(() => etcd.stop());

  beforeEach(() => {
    process.on('worker', note);
    logger = createMemoryLogger();
    backend = openEtcdBackend({ endpoints: [etcd.endpoint], runtime: createSystemRuntime({ logger }) });
  });

  afterEach(async () => {
    await backend.close();
    await eventually(() => expect(liveThreads()).toBe(0));
    process.off('worker', note);
    threads.length = 0;
  });

  it('keeps a lease alive while the main thread stands still for longer than its ttl, from when it is open', async () => {
    const first = await open();
    await ready(0);
    const session = await open();
    // Nothing runs in this thread from here on.
    stallFor(3 * ttlMs);
    expect(first.isAlive).toBe(true);
    expect(session.isAlive).toBe(true);
    expect(session.remainingMs).toBeGreaterThan(0);
    expect((await backend.leaseStatus(session.leaseId)).remainingMs).toBeGreaterThan(0);
    expect(session.signal.aborted).toBe(false);
    await session.renew();
    await Promise.all([first.close(), session.close()]);
    expect(await backend.leases()).toEqual([]);
  });

  it('leaves a lease dead right after a stall in which no server answered', async () => {
    const session = await open();
    await ready(0);
    await session.renew();
    etcd.pause();
    try {
      stallFor(ttlMs);
      expect(session.isAlive).toBe(false);
      expect(session.signal.reason).toBeInstanceOf(SessionLostError);
    } finally {
      etcd.resume();
    }
    await session.close();
    expect(session.isAlive).toBe(false);
  });

  it('tells a loss to a main thread that is free to hear it', async () => {
    const session = await open();
    await session.renew();
    await backend.revokeLease(session.leaseId);
    await new Promise((resolve) => session.signal.addEventListener('abort', resolve));
    expect(session.signal.reason).toMatchObject({ message: 'the server has let the lease go' });
  });

  it('is one for all sessions of a backend, and ends after the last', async () => {
    const sessions = await Promise.all([open(), open(), open()]);
    await Promise.all(sessions.map((session) => session.renew()));
    expect(threads).toHaveLength(1);
    await Promise.all(sessions.slice(1).map((session) => session.close()));
    await sessions[0]!.renew();
    await sessions[0]!.close();
    await eventually(() => expect(liveThreads()).toBe(0));
    const next = await open();
    await next.renew();
    expect(threads).toHaveLength(2);
    await next.close();
  });

  it('is replaced when it ends, and what it was asked for is done by the next', async () => {
    const session = await open();
    const thread = await ready(0);
    const renewed = session.renew();
    await thread.terminate();
    await renewed;
    await ready(1);
    expect(logger.messages('warn')).toContain('the thread that renews leases ended, and is started again');
    stallFor(ttlMs + 500);
    expect(session.isAlive).toBe(true);
    await session.close();
  });

  it('is done without where it cannot open the backend', async () => {
    const nowhere: CoordinationBackend = Object.create(backend, {
      location: { value: { type: 'etcd', options: { endpoints: [] } } },
      grantLease: { value: backend.grantLease.bind(backend) },
      keepLeaseAlive: { value: backend.keepLeaseAlive.bind(backend) },
      revokeLease: { value: backend.revokeLease.bind(backend) },
    });
    const session = await open(nowhere);
    await eventually(() => {
      expect(logger.messages('error')).toEqual(['leases are renewed in this thread: no other could be started']);
    });
    await session.renew();
    expect(session.isAlive).toBe(true);
    expect(threads).toHaveLength(3);
    await session.close();
  });
});
