import type { MachineClient, MachineStream } from '@flotilla/client';
import type { TestCluster } from '@flotilla/test-harness';
import { describe, expect, it } from 'vitest';
import type { CounterTrace } from '../raftstore/machine/counter-machine.ts';
import { counterKey, counterLeader, counterOn, startMachineCluster } from '../raftstore/machine/machine-cluster.ts';

async function call(
  client: MachineClient,
  text: string,
  options?: Parameters<MachineClient['call']>[1],
): Promise<string> {
  return Buffer.from(await client.call(Buffer.from(text), options)).toString();
}

/** Follows the counter for ever, from where it is, over lost streams; errors that tell nothing of loss end it. */
class Follower {
  readonly numbers: number[] = [];
  readonly losses: string[] = [];
  #stream: MachineStream | undefined;
  isOver = false;

  async run(client: MachineClient, readPreference: 'leader' | 'any'): Promise<void> {
    while (!this.isOver) {
      this.#stream = client.subscribe(Buffer.from(String(this.numbers.length)), { readPreference });
      try {
        for (let piece = await this.#stream.next(); piece !== undefined; piece = await this.#stream.next()) {
          this.numbers.push(Number(Buffer.from(piece).toString()));
        }
      } catch (error) {
        const { code } = error as { readonly code?: string };
        if (code === 'closed') return;
        this.losses.push(code ?? String(error));
      }
    }
  }

  stop(): void {
    this.isOver = true;
    this.#stream?.close();
  }
}

function count(to: number): number[] {
  return Array.from({ length: to }, (_, index) => index + 1);
}

async function callAll(cluster: TestCluster, client: MachineClient, from: number, to: number): Promise<void> {
  for (let number = from; number <= to; number += 1) await cluster.run(call(client, String(number)));
}

describe('a client of a machine', () => {
  it('calls its leader, reads it anywhere, and is told of a change of leader by the stores', async () => {
    await using cluster = await startMachineCluster(3);
    const client = cluster.createMachineClient('one', counterKey);
    expect(await cluster.run(call(client, '5'))).toBe('5');
    const { region } = counterLeader(cluster);
    for (const node of cluster.nodes) {
      await cluster.orders.transferLeader(region.id, node);
      const sum = await cluster.run(call(client, '1'));
      for (const readPreference of ['leader', 'any', 'any', 'any'] as const) {
        expect(await cluster.run(call(client, 'sum', { isRead: true, readPreference }))).toBe(sum);
      }
    }
    expect(await cluster.run(call(client, 'none'))).toBe('8');
    await client.close();
    await expect(cluster.run(call(client, '1'))).rejects.toMatchObject({ code: 'closed' });
  });

  it('sends no call twice whose outcome is unknown', async () => {
    const trace: CounterTrace = { machines: [] };
    await using cluster = await startMachineCluster(3, { trace, seed: 5 });
    const client = cluster.createMachineClient('one', counterKey);
    cluster.network.clientFaults = { ...cluster.network.clientFaults, drop: 0.2 };
    const acknowledged: number[] = [];
    const doubted: number[] = [];
    for (let number = 1; number <= 100; number += 1) {
      await cluster.run(
        call(client, String(number)).then(
          () => acknowledged.push(number),
          (error: { readonly code: string }) => {
            expect(error.code).toBe('outcomeUnknown');
            doubted.push(number);
          },
        ),
      );
    }
    cluster.network.clientFaults = { ...cluster.network.clientFaults, drop: 0 };
    expect(doubted.length).toBeGreaterThan(10);
    await cluster.run(call(client, 'none'));
    const { entries } = counterOn(trace, counterLeader(cluster).node)!;
    expect(new Set(entries).size).toBe(entries.length);
    expect(acknowledged.filter((number) => !entries.includes(number))).toEqual([]);
    await client.close();
  });

  it.each(['leader', 'any'] as const)(
    'follows the machine from %s replica over crashes and lost messages',
    async (preference) => {
      await using cluster = await startMachineCluster(3, { seed: preference === 'any' ? 2 : 1 });
      const client = cluster.createMachineClient('one', counterKey, { streamSilenceMs: 3_000 });
      const followers = count(3).map(() => new Follower());
      for (const follower of followers) void follower.run(client, preference);
      await callAll(cluster, client, 1, 10);
      cluster.network.clientFaults = { drop: 0, minDelayMs: 1, maxDelayMs: 20 } as typeof cluster.network.clientFaults;
      const caller = cluster.createMachineClient('two', counterKey, { requestTimeoutMs: 60_000 });
      let next = 11;
      for (const node of cluster.nodes) {
        cluster.crash(node);
        await callAll(cluster, caller, next, next + 4).catch(() => {});
        await cluster.restart(node);
        await cluster.sleep(2_000);
        const sum = Number(await cluster.run(call(caller, 'sum', { isRead: true })));
        next = Math.round((Math.sqrt(8 * sum + 1) - 1) / 2) + 1;
      }
      const isLevel = (): boolean => followers.every(({ numbers }) => numbers.length === next - 1);
      await cluster.until('the followers have everything', isLevel);
      for (const { numbers, losses } of followers) {
        expect(numbers).toEqual(count(next - 1));
        expect(losses.length).toBeGreaterThan(0);
        expect(losses.every((code) => code === 'unavailable' || code === 'regionError')).toBe(true);
      }
      for (const follower of followers) follower.stop();
      await client.close();
      await caller.close();
    },
  );

  it('breaks a stream off that brings nothing', async () => {
    await using cluster = await startMachineCluster(3);
    const client = cluster.createMachineClient('one', counterKey, { streamSilenceMs: 2_000, requestTimeoutMs: 60_000 });
    await cluster.run(call(client, '1'));
    const stream = client.subscribe(Buffer.from('0'));
    expect(await cluster.run(stream.next())).toEqual(Buffer.from('1'));
    const beganAtMs = cluster.world.nowMs;
    await expect(cluster.run(stream.next())).rejects.toMatchObject({ code: 'unavailable' });
    expect(cluster.world.nowMs - beganAtMs).toBe(2_000);
    await expect(cluster.run(stream.next())).rejects.toMatchObject({ code: 'unavailable' });
    await client.close();
  });

  it('asks the machine for no more than it reads', async () => {
    const trace: CounterTrace = { machines: [] };
    await using cluster = await startMachineCluster(1, { trace });
    const client = cluster.createMachineClient('one', counterKey, { streamSilenceMs: 60_000 });
    const stream = client.subscribe(Buffer.from('0'));
    const first = stream.next();
    await callAll(cluster, client, 1, 50);
    await first;
    await cluster.sleep(100);
    expect(trace.machines[0]!.given).toBeLessThan(12);
    for (let number = 2; number <= 50; number += 1) {
      expect(Buffer.from((await cluster.run(stream.next()))!).toString()).toBe(String(number));
    }
    expect(trace.machines[0]!.given).toBe(50);
    stream.close();
    await cluster.sleep(100);
    expect(trace.machines[0]!.followers).toBe(0);
    await expect(stream.next()).rejects.toMatchObject({ code: 'closed' });
    await client.close();
  });

  it('ends its streams with the caller, with the signal and with the client', async () => {
    const trace: CounterTrace = { machines: [] };
    await using cluster = await startMachineCluster(1, { trace });
    const client = cluster.createMachineClient('one', counterKey, { streamSilenceMs: 60_000 });
    const controller = new AbortController();
    const [closed, aborted, left] = [
      client.subscribe(Buffer.from('0')),
      client.subscribe(Buffer.from('0'), { signal: controller.signal }),
      client.subscribe(Buffer.from('0')),
    ];
    const outcomes = [closed, aborted, left].map((stream) =>
      stream.next().then(
        () => 'a piece',
        ({ code }: { readonly code: string }) => code,
      ),
    );
    await cluster.until('all follow', () => trace.machines[0]!.followers === 3);
    closed.close();
    controller.abort();
    await cluster.until('two are gone', () => trace.machines[0]!.followers === 1);
    await client.close();
    expect(await cluster.run(Promise.all(outcomes))).toEqual(['closed', 'cancelled', 'closed']);
    await cluster.until('the last is gone', () => trace.machines[0]!.followers === 0);
    const late = client.subscribe(Buffer.from('0'), { signal: controller.signal });
    await expect(late.next()).rejects.toMatchObject({ code: 'cancelled' });
  });
});
