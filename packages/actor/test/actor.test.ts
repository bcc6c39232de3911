import { SimulatedWorld } from '@flotilla/runtime';
import { describe, expect, it } from 'vitest';
import { type ActorFailure, type ActorHandler, type ActorOptions, startActor } from '../src/actor.ts';
import { createMailbox } from '../src/mailbox.ts';

function setUp(handleBatch: ActorHandler<number>['handleBatch'], options: Partial<ActorOptions<number>> = {}) {
  const world = new SimulatedWorld(1);
  const { timers } = world.createRuntime('n1');
  const mailbox = createMailbox<number>('counter', 100);
  const failures: ActorFailure<number>[] = [];
  const actor = startActor<number>({
    name: 'counter',
    mailbox,
    handler: { handleBatch },
    timers,
    maxBatch: 3,
    onFailure: (failure) => failures.push(failure),
    ...options,
  });
  const send = (...messages: number[]): string[] => messages.map((message) => mailbox.send(message));
  return { world, timers, mailbox, failures, actor, send };
}

describe('startActor', () => {
  it('hands over what waits in batches of at most maxBatch, in order', async () => {
    const batches: (readonly number[])[] = [];
    const { world, send } = setUp((batch) => void batches.push(batch));
    send(1, 2, 3, 4, 5, 6, 7);
    expect(batches).toEqual([]);
    await world.runUntilIdle();
    expect(batches).toEqual([[1, 2, 3], [4, 5, 6], [7]]);
    send(8);
    await world.runUntilIdle();
    expect(batches.at(-1)).toEqual([8]);
  });

  it('handles what waited before it was started', async () => {
    const mailbox = createMailbox<number>('early', 10);
    mailbox.send(1);
    const seen: number[] = [];
    const { world } = setUp((batch) => void seen.push(...batch), { mailbox });
    await world.runUntilIdle();
    expect(seen).toEqual([1]);
  });

  it('lets other deferred work run between batches', async () => {
    const history: string[] = [];
    const { world, timers, send } = setUp((batch) => void history.push(`batch of ${batch.length}`));
    send(1, 2, 3, 4);
    timers.defer(() => history.push('other work'));
    await world.runUntilIdle();
    expect(history).toEqual(['batch of 3', 'other work', 'batch of 1']);
  });

  it('never handles two batches at once, though messages come while it waits', async () => {
    let running = 0;
    let most = 0;
    const seen: number[] = [];
    const { world, timers, send } = setUp(async (batch) => {
      running += 1;
      most = Math.max(most, running);
      await timers.sleep(10);
      seen.push(...batch);
      running -= 1;
    });
    send(1);
    for (let at = 1; at <= 50; at += 1) timers.after(at, () => send(at + 1));
    await world.runUntilIdle();
    expect(most).toBe(1);
    expect(seen).toEqual(Array.from({ length: 51 }, (_, index) => index + 1));
  });

  it('takes messages that its own handler sends, in a later batch', async () => {
    const batches: (readonly number[])[] = [];
    const { world, mailbox, send } = setUp((batch) => {
      batches.push(batch);
      if (batch[0] === 1) mailbox.send(2);
    });
    send(1);
    await world.runUntilIdle();
    expect(batches).toEqual([[1], [2]]);
  });

  it('stops after the running batch and returns what waits', async () => {
    const seen: number[] = [];
    const { world, timers, actor, failures, send } = setUp(async (batch) => {
      await timers.sleep(10);
      seen.push(...batch);
    });
    send(1, 2, 3, 4, 5);
    await world.advance(5);
    let returned: number[] | undefined;
    void actor.stop().then((waiting) => (returned = waiting));
    await world.advance(1);
    expect(returned).toBeUndefined();
    await world.runUntilIdle();
    expect(returned).toEqual([4, 5]);
    expect(seen).toEqual([1, 2, 3]);
    expect(send(6)).toEqual(['closed']);
    expect(await actor.stop()).toEqual([]);
    expect(failures).toEqual([]);
  });

  it('does not handle a batch that was scheduled when it is stopped', async () => {
    const seen: number[] = [];
    const { world, actor, send } = setUp((batch) => void seen.push(...batch));
    send(1, 2);
    expect(await actor.stop()).toEqual([1, 2]);
    await world.runUntilIdle();
    expect(seen).toEqual([]);
    expect(actor.isRunning).toBe(false);
  });

  it.each(['throws', 'rejects'])('reports a handler that %s once, and ends', async (how) => {
    const cause = new Error('broken');
    const seen: number[] = [];
    const { world, actor, failures, send } = setUp((batch) => {
      seen.push(...batch);
      if (how === 'throws') throw cause;
      return Promise.reject(cause);
    });
    send(1, 2, 3, 4, 5);
    await world.runUntilIdle();
    expect(failures).toEqual([{ name: 'counter', cause, batch: [1, 2, 3], waiting: [4, 5] }]);
    expect(actor.isRunning).toBe(false);
    expect(send(6)).toEqual(['closed']);
    await world.runUntilIdle();
    expect(seen).toEqual([1, 2, 3]);
    expect(await actor.stop()).toEqual([]);
    expect(failures).toHaveLength(1);
  });

  it('reports a batch that fails while it is being stopped, and gives what waits to the one who stops', async () => {
    const { world, timers, actor, failures, send } = setUp(async () => {
      await timers.sleep(10);
      throw new Error('late');
    });
    send(1, 2, 3, 4);
    await world.advance(1);
    const stopped = actor.stop();
    await world.runUntilIdle();
    expect(await stopped).toEqual([4]);
    expect(failures.map(({ batch, waiting }) => [batch, waiting])).toEqual([[[1, 2, 3], []]]);
  });

  it('lets two actors with full mailboxes answer each other through the reserve', async () => {
    type Message = { readonly type: 'command' } | { readonly type: 'answer' };
    const world = new SimulatedWorld(1);
    const { timers } = world.createRuntime('n1');
    const left = createMailbox<Message>('left', 4, { reserved: 2 });
    const right = createMailbox<Message>('right', 4, { reserved: 2 });
    const refused: string[] = [];
    let answers = 0;
    for (const [own, other] of [
      [left, right],
      [right, left],
    ] as const) {
      while (own.send({ type: 'command' }) === 'accepted');
      startActor<Message>({
        name: own.name,
        mailbox: own,
        timers,
        maxBatch: 2,
        handler: {
          handleBatch: (batch) => {
            for (const { type } of batch) {
              if (type === 'answer') answers += 1;
              else if (other.sendControl({ type: 'answer' }) !== 'accepted') refused.push(own.name);
            }
          },
        },
        onFailure: ({ cause }) => expect.fail(String(cause)),
      });
    }
    expect(await world.runUntilIdle()).toBe(true);
    expect([answers, refused]).toEqual([4, []]);
  });

  it('refuses batches without messages', () => {
    expect(() => setUp(() => {}, { maxBatch: 0 })).toThrow('at least one message');
  });
});
