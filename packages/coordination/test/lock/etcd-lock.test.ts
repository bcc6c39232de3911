import { type ChildProcess, spawn } from 'node:child_process';
import { createSystemRuntime, silentLogger } from '@flotilla/runtime';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  AtomicCounter,
  Barrier,
  type CoordinationBackend,
  DistributedLock,
  DoubleBarrier,
  Election,
  NotHeldError,
  openEtcdBackend,
  prefixRange,
  runTransaction,
  Semaphore,
  TimeoutError,
} from '../../src/index.ts';
import { type EtcdProcess, isEtcdInstalled, startEtcd } from '../etcd/etcd-process.ts';
import { eventually } from '../etcd/eventually.ts';

const runtime = createSystemRuntime({ logger: silentLogger });
const all = { ...prefixRange(Buffer.alloc(0)), keysOnly: true };

/** A program whose output is read, and which is ended with the test. */
class Program {
  output = '';
  readonly child: ChildProcess;
  readonly ended: Promise<void>;

  constructor(command: string, args: readonly string[]) {
    this.child = spawn(command, args, { stdio: ['pipe', 'pipe', 'pipe'] });
    const keep = (chunk: Buffer): void => {
      this.output += chunk.toString();
    };
    this.child.stdout?.on('data', keep);
    this.child.stderr?.on('data', keep);
    this.ended = new Promise((resolve) => this.child.once('exit', () => resolve()));
  }

  async says(text: string): Promise<void> {
    await eventually(() => expect(this.output).toContain(text), 20_000);
  }
}

describe.skipIf(!isEtcdInstalled())('locks on etcd', () => {
  let etcd: EtcdProcess;
  let backend: CoordinationBackend;
  let locks: DistributedLock;
  const programs: Program[] = [];

  const run = (command: string, ...args: string[]): Program => {
    const program = new Program(command, args);
    programs.push(program);
    return program;
  };
  const etcdctl = (...args: string[]): Program => run('etcdctl', `--endpoints=${etcd.endpoint}`, ...args);
  const keys = async (): Promise<readonly string[]> =>
    (await backend.range(all)).kvs.map(({ key }) => Buffer.from(key).toString());
  /** Resolves when so many stand in line for a lock. */
  const inLine = (count: number): Promise<void> =>
    eventually(async () => expect((await keys()).filter((key) => key.startsWith('/'))).toHaveLength(count));

  beforeAll(async () => {
    etcd = await startEtcd();
  });

  afterAll(() => etcd.stop());

  beforeEach(() => {
    backend = openEtcdBackend({ endpoints: [etcd.endpoint], runtime });
    locks = new DistributedLock({ backend, runtime, defaultTtlMs: 5_000 });
  });

  afterEach(async () => {
    for (const { child, ended } of programs.splice(0)) {
      child.kill('SIGKILL');
      await ended;
    }
    await locks.close();
    await backend.delete(prefixRange(Buffer.alloc(0)));
    await backend.close();
  });

  it('etcdctl keeps us out, and lets us in when it ends', async () => {
    const other = etcdctl('lock', '/locks/k');
    await other.says('/locks/k/');
    expect(await locks.tryAcquire('k')).toBeUndefined();
    const waiting = locks.acquire('k');
    const reading = locks.acquireReadLock('k');
    await inLine(3);
    expect((await keys()).filter((key) => key.startsWith('/locks/k/r'))).toHaveLength(1);
    other.child.kill('SIGINT');
    const first = await Promise.race([waiting, reading]);
    await first.release();
    const both = await Promise.all([waiting, reading]);
    expect(both.filter((lock) => lock.isHeld)).toHaveLength(1);
  });

  it('we keep etcdctl out, readers too, and let it in when we release', async () => {
    const lock = await locks.acquireReadLock('k');
    const other = etcdctl('lock', '/locks/k', 'echo', 'entered');
    await inLine(2);
    // Who comes after it waits for it.
    const late = locks.acquire('k');
    await inLine(3);
    expect(other.output).toBe('');
    await lock.release();
    await other.says('entered');
    await other.ended;
    expect((await late).fencingToken).toBeGreaterThan(lock.fencingToken);
  });

  it('stands in one line with etcdctl for an election', async () => {
    const election = new Election('e', { backend, runtime, defaultTtlMs: 5_000 });
    const other = etcdctl('elect', '/elections/e', 'theirs');
    await other.says('theirs');
    expect(Buffer.from((await election.leader())!.value).toString()).toBe('theirs');
    const campaign = election.campaign('ours');
    await inLine(2);
    other.child.kill('SIGINT');
    const leadership = await campaign;
    const listener = etcdctl('elect', '--listen', '/elections/e');
    await listener.says('ours');
    await leadership.proclaim('ours still');
    await listener.says('ours still');
    const next = etcdctl('elect', '/elections/e', 'theirs again');
    await inLine(2);
    expect(next.output).toBe('');
    await leadership.resign();
    await next.says('theirs again');
    await election.close();
  });

  it('are known to be lost by a process that was stopped, when it goes on, and its writes are refused', async () => {
    const program = `
      import { createInterface } from 'node:readline';
      import { createSystemRuntime, silentLogger } from '@flotilla/runtime';
      import { DistributedLock, openEtcdBackend } from '@flotilla/coordination';
      const runtime = createSystemRuntime({ logger: silentLogger });
      const backend = openEtcdBackend({ endpoints: ['${etcd.endpoint}'], runtime });
      const lock = await new DistributedLock({ backend, runtime }).acquire('k', { ttlMs: 2000 });
      console.log('acquired', String(lock.isHeld));
      lock.signal.addEventListener('abort', () => console.log('told'));
      for await (const line of createInterface({ input: process.stdin })) {
        console.log('held:', String(lock.isHeld));
        await lock.guardedPut('r', 'stale').then(() => console.log('written'), (error) => console.log(error.name));
      }
    `;
    const other = run(process.execPath, '--input-type=module', '-e', program);
    await other.says('acquired true');
    other.child.stdin?.write('\n');
    await other.says('written');
    other.child.kill('SIGSTOP');
    const lock = await locks.acquire('k');
    await lock.guardedPut('r', 'fresh');
    other.child.kill('SIGCONT');
    other.child.stdin?.write('\n');
    await other.says('held: false');
    await other.says('NotHeldError');
    await other.says('told');
    const { kvs } = await backend.range({ key: Buffer.from('r') });
    expect(Buffer.from(kvs[0]!.value).toString()).toBe('fresh');
    expect(lock.isHeld).toBe(true);
  });

  it('are free again when their process was killed', async () => {
    const program = `
      import { createSystemRuntime, silentLogger } from '@flotilla/runtime';
      import { DistributedLock, openEtcdBackend } from '@flotilla/coordination';
      const runtime = createSystemRuntime({ logger: silentLogger });
      const backend = openEtcdBackend({ endpoints: ['${etcd.endpoint}'], runtime });
      await new DistributedLock({ backend, runtime }).acquire('k', { ttlMs: 2000 });
      console.log('acquired');
    `;
    const other = run(process.execPath, '--input-type=module', '-e', program);
    await other.says('acquired');
    other.child.kill('SIGKILL');
    expect((await locks.acquire('k', { timeoutMs: 20_000 })).isHeld).toBe(true);
  });

  it('are acquired, waited for, given up, renewed and released', async () => {
    // Programs that were killed left leases that have yet to run out.
    const others = new Set(await backend.leases());
    const lock = await locks.acquire('k');
    await expect(locks.acquire('k', { timeoutMs: 100 })).rejects.toBeInstanceOf(TimeoutError);
    await inLine(1);
    await lock.guardedPut('r', 'v');
    await lock.renew(60_000);
    expect(lock.ttl()).toBeGreaterThan(50_000);
    await lock.guardedPut('r', 'w');
    const waiting = [1, 2, 3].map(() => locks.acquire('k'));
    await inLine(4);
    const order: bigint[] = [];
    for (const each of waiting) {
      void each.then(async (held) => {
        order.push(held.fencingToken);
        await held.release();
      });
    }
    await lock.release();
    await eventually(() => expect(order).toHaveLength(3));
    expect([...order].sort((a, b) => Number(a - b))).toEqual(order);
    await expect(lock.guardedPut('r', 'x')).rejects.toBeInstanceOf(NotHeldError);
    await inLine(0);
    await eventually(async () => expect((await backend.leases()).filter((id) => !others.has(id))).toEqual([]));
  });

  it('carry semaphores, barriers, counters and transactions', async () => {
    const options = { backend, runtime, defaultTtlMs: 5_000 };
    await using semaphore = new Semaphore('s', 2, options);
    const [one] = await Promise.all([semaphore.acquire(), semaphore.acquire()]);
    expect(await semaphore.tryAcquire()).toBeUndefined();
    const third = semaphore.acquire();
    await one.release();
    expect((await third).isHeld).toBe(true);
    const barrier = new Barrier('b', options);
    await barrier.hold();
    const waiting = barrier.wait();
    await barrier.release();
    await waiting;
    const double = new DoubleBarrier('d', 3, options);
    const inside = await Promise.all([1, 2, 3].map(() => double.enter()));
    await Promise.all(inside.map((participant) => participant.leave()));
    const counter = new AtomicCounter('c', options);
    const counts = await Promise.all([1, 2, 3, 4].map(() => counter.add(1n)));
    expect(counts.map(Number).sort()).toEqual([1, 2, 3, 4]);
    await Promise.all(
      [1, 2, 3].map(() =>
        runTransaction(
          backend,
          async (transaction) => {
            const before = Buffer.from((await transaction.get('x')) ?? []).toString();
            transaction.put('x', `${before}+`);
          },
          { runtime },
        ),
      ),
    );
    const { kvs } = await backend.range({ key: Buffer.from('x') });
    expect(Buffer.from(kvs[0]!.value).toString()).toBe('+++');
  });
});
