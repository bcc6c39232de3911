import { describe, expect, it } from 'vitest';
import { SimulatedWorld } from '../src/simulated-world.ts';

describe('SimulatedWorld', () => {
  it('fires timers by time, then in the order they were armed', async () => {
    const world = new SimulatedWorld(1);
    const { timers } = world.createRuntime('n1');
    const fired: string[] = [];
    timers.after(20, () => fired.push('late'));
    timers.after(10, () => fired.push('first at 10'));
    timers.after(10, () => fired.push('second at 10'));
    timers.after(0, () => fired.push('at once'));
    await world.advance(10);
    expect(fired).toEqual(['at once', 'first at 10', 'second at 10']);
    await world.advance(10);
    expect(fired.at(-1)).toBe('late');
  });

  it('moves time by exactly what it is told, and an event sees the time it was armed for', async () => {
    const world = new SimulatedWorld(1);
    const { timers, clock } = world.createRuntime('n1');
    const seen: number[] = [];
    timers.after(7.5, () => seen.push(clock.monotonicMs()));
    await world.advance(100);
    expect(seen).toEqual([7.5]);
    expect(world.nowMs).toBe(100);
  });

  it('runs deferred tasks in order and before time moves, and promise continuations between events', async () => {
    const world = new SimulatedWorld(1);
    const { timers, clock } = world.createRuntime('n1');
    const history: string[] = [];
    const note = (what: string): number => history.push(`${what} at ${clock.monotonicMs()}`);
    timers.after(5, () => note('timer'));
    timers.defer(() => {
      note('deferred 1');
      timers.defer(() => note('deferred by 1'));
      void Promise.resolve()
        .then(() => undefined)
        .then(() => undefined)
        .then(() => note('promise of 1'));
    });
    timers.defer(() => note('deferred 2'));
    await world.advance(5);
    expect(history).toEqual([
      'deferred 1 at 0',
      'promise of 1 at 0',
      'deferred 2 at 0',
      'deferred by 1 at 0',
      'timer at 5',
    ]);
  });

  it('repeats a periodic timer until it is cancelled, from inside its callback too', async () => {
    const world = new SimulatedWorld(1);
    const { timers, clock } = world.createRuntime('n1');
    const rounds: number[] = [];
    const handle = timers.every(10, () => {
      rounds.push(clock.monotonicMs());
      if (rounds.length === 3) handle.cancel();
    });
    await world.advance(100);
    expect(rounds).toEqual([10, 20, 30]);
  });

  it('does not fire a cancelled timer, and cancelling again or too late does nothing', async () => {
    const world = new SimulatedWorld(1);
    const { timers } = world.createRuntime('n1');
    let fired = 0;
    const cancelled = timers.after(5, () => (fired += 1));
    const kept = timers.after(5, () => (fired += 1));
    cancelled.cancel();
    cancelled.cancel();
    await world.advance(10);
    kept.cancel();
    expect(fired).toBe(1);
    expect(await world.runUntilIdle(0)).toBe(true);
  });

  it('wakes sleepers in virtual time and lets an abort end a sleep', async () => {
    const world = new SimulatedWorld(1);
    const { timers, clock } = world.createRuntime('n1');
    const stop = new AbortController();
    const outcomes: string[] = [];
    void timers.sleep(30).then(() => outcomes.push(`woke at ${clock.monotonicMs()}`));
    void timers.sleep(30, stop.signal).catch((reason: unknown) => outcomes.push(`aborted: ${String(reason)}`));
    timers.after(10, () => stop.abort('enough'));
    expect(await world.runUntilIdle()).toBe(true);
    expect(outcomes).toEqual(['aborted: enough', 'woke at 30']);
    await expect(timers.sleep(1, AbortSignal.abort('before'))).rejects.toBe('before');
    expect(await world.runUntilIdle(0)).toBe(true);
  });

  it('runs until a predicate holds, or its limit', async () => {
    const world = new SimulatedWorld(1);
    const { timers } = world.createRuntime('n1');
    let rounds = 0;
    timers.every(10, () => (rounds += 1));
    expect(await world.runUntil(() => rounds === 4, 1_000)).toBe(true);
    expect(world.nowMs).toBe(40);
    expect(await world.runUntil(() => rounds === 100, 50)).toBe(false);
    expect(world.nowMs).toBe(90);
  });

  it('comes to rest although periodic timers go on', async () => {
    const world = new SimulatedWorld(1);
    const { timers } = world.createRuntime('n1');
    timers.every(10, () => {});
    let done = false;
    timers.after(25, () => (done = true));
    expect(await world.runUntilIdle()).toBe(true);
    expect(done).toBe(true);
    expect(world.nowMs).toBe(25);
    const rearm = (): void => void timers.after(1, rearm);
    rearm();
    expect(await world.runUntilIdle(100)).toBe(false);
  });

  it('halts one node without touching another', async () => {
    const world = new SimulatedWorld(1);
    const dying = world.createRuntime('n1');
    const living = world.createRuntime('n2');
    const fired: string[] = [];
    for (const [name, node] of [['dying', dying] as const, ['living', living] as const]) {
      node.timers.after(5, () => fired.push(`${name} after`));
      node.timers.every(5, () => fired.push(`${name} every`));
      node.timers.defer(() => fired.push(`${name} deferred`));
    }
    dying.halt();
    dying.timers.after(1, () => fired.push('armed when dead'));
    dying.timers.defer(() => fired.push('deferred when dead'));
    await world.advance(9);
    expect(fired).toEqual(['living deferred', 'living after', 'living every']);
  });

  it('holds a paused node back and lets it run on, in order and a periodic timer once', async () => {
    const world = new SimulatedWorld(1);
    const { pause, resume, timers, clock } = world.createRuntime('n1');
    const fired: string[] = [];
    const note = (what: string) => () => fired.push(`${what} at ${clock.monotonicMs()}`);
    timers.after(5, note('after'));
    timers.every(10, note('every'));
    const cancelled = timers.after(15, note('cancelled'));
    pause();
    timers.defer(note('deferred'));
    await world.advance(45);
    expect(fired).toEqual([]);
    cancelled.cancel();
    resume();
    await world.advance(10);
    expect(fired).toEqual(['deferred at 45', 'after at 45', 'every at 45', 'every at 55']);
  });

  it('halts a paused node for good', async () => {
    const world = new SimulatedWorld(1);
    const { pause, resume, halt, timers } = world.createRuntime('n1');
    let fired = 0;
    timers.after(5, () => (fired += 1));
    pause();
    await world.advance(10);
    halt();
    resume();
    await world.advance(10);
    expect(fired).toBe(0);
  });

  it('runs long chains of continuations to their end before the next event', async () => {
    const world = new SimulatedWorld(1);
    const { timers } = world.createRuntime('n1');
    let links = 0;
    const chain = async (): Promise<void> => {
      for (let link = 0; link < 500; link += 1) {
        await (async () => Promise.resolve())();
        links += 1;
      }
    };
    const seen: number[] = [];
    timers.after(1, () => void chain());
    timers.after(1, () => seen.push(links));
    timers.defer(() => void chain());
    timers.defer(() => seen.push(links));
    await world.advance(1);
    expect(seen).toEqual([500, 1_000]);
  });

  it('brings an error of an event out of the call that ran it, and can go on', async () => {
    const world = new SimulatedWorld(1);
    const { timers } = world.createRuntime('n1');
    let later = false;
    timers.after(1, () => {
      throw new Error('broken event');
    });
    timers.after(2, () => (later = true));
    await expect(world.advance(5)).rejects.toThrow('broken event');
    await world.advance(5);
    expect(later).toBe(true);
  });

  it('refuses to be run twice at once, to go back, and delays that are no delays', async () => {
    const world = new SimulatedWorld(1);
    const { timers } = world.createRuntime('n1');
    const first = world.advance(1);
    await expect(world.advance(1)).rejects.toThrow('already being run');
    await first;
    await expect(world.advance(-1)).rejects.toThrow('only moves forward');
    for (const delayMs of [Number.NaN, -1, Infinity]) expect(() => timers.after(delayMs, () => {})).toThrow('a delay');
    expect(() => timers.every(0, () => {})).toThrow('a delay');
  });

  it('gives one history for one seed, another for another', async () => {
    const play = async (seed: number): Promise<string[]> => {
      const world = new SimulatedWorld(seed);
      const history: string[] = [];
      for (const label of ['n1', 'n2', 'n3']) {
        const { timers, random, clock } = world.createRuntime(label);
        const step = async (): Promise<void> => {
          for (let round = 0; round < 20; round += 1) {
            await timers.sleep(random.integer(1, 50));
            history.push(`${label} ${clock.monotonicMs()}`);
          }
        };
        void step();
      }
      await world.runUntilIdle();
      return history;
    };
    expect(await play(42)).toEqual(await play(42));
    expect(await play(42)).not.toEqual(await play(43));
    expect(await play(42)).toHaveLength(60);
  });
});

describe('createRuntime', () => {
  it('gives each node a source of chance of its own, and the world another', () => {
    const world = new SimulatedWorld(1);
    const sources = [world.random, world.createRuntime('n1').random, world.createRuntime('n2').random];
    const firsts = sources.map((random) => random.integer(0, Number.MAX_SAFE_INTEGER));
    expect(new Set(firsts).size).toBe(3);
    expect(world.createRuntime('n1').random.integer(0, Number.MAX_SAFE_INTEGER)).toBe(firsts[1]);
  });
});

describe('SimulatedClock', () => {
  it('lets the wall jump and drift without moving a timer or the monotonic side', async () => {
    const world = new SimulatedWorld(1);
    const { timers, clock } = world.createRuntime('n1');
    const other = world.createRuntime('n2').clock;
    const start = clock.wallMs();
    let firedAtMs = 0;
    timers.after(1_000, () => (firedAtMs = clock.monotonicMs()));
    clock.jumpWall(86_400_000);
    await world.advance(500);
    expect(clock.wallMs() - start).toBe(86_400_500);
    clock.jumpWall(-172_800_000);
    await world.advance(500);
    expect(firedAtMs).toBe(1_000);
    expect(clock.wallMs() - start).toBe(-86_400_000 + 1_000);
    expect(other.wallMs() - start).toBe(1_000);

    const beforeDrift = clock.wallMs();
    clock.driftWall(100_000);
    await world.advance(1_000);
    expect(clock.wallMs() - beforeDrift).toBe(1_100);
    clock.driftWall(0);
    await world.advance(1_000);
    expect(clock.wallMs() - beforeDrift).toBe(2_100);
    expect(clock.monotonicMs()).toBe(3_000);
  });

  it('starts where the world is when a node is born later', async () => {
    const world = new SimulatedWorld(1);
    const early = world.createRuntime('n1').clock;
    await world.advance(12_345);
    expect(world.createRuntime('n2').clock.wallMs()).toBe(early.wallMs());
  });
});
