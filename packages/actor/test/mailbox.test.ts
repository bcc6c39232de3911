import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createMailbox } from '../src/mailbox.ts';

/** One step against a mailbox and its model. */
type Step =
  | { readonly type: 'send'; readonly count: number }
  | { readonly type: 'sendControl'; readonly count: number }
  | { readonly type: 'drain'; readonly most: number }
  | { readonly type: 'close' };

const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    { weight: 6, arbitrary: fc.record({ type: fc.constant('send' as const), count: fc.integer({ min: 1, max: 40 }) }) },
    {
      weight: 3,
      arbitrary: fc.record({ type: fc.constant('sendControl' as const), count: fc.integer({ min: 1, max: 40 }) }),
    },
    { weight: 6, arbitrary: fc.record({ type: fc.constant('drain' as const), most: fc.integer({ min: 0, max: 60 }) }) },
    { weight: 1, arbitrary: fc.constant({ type: 'close' as const }) },
  ),
);

describe('createMailbox', () => {
  it('behaves as a bounded array would', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 100 }),
        fc.double({ min: 0, max: 0.99, noNaN: true }),
        steps,
        (capacity, part, script) => {
          const reserved = Math.floor(capacity * part);
          const mailbox = createMailbox<number>('model', capacity, { reserved });
          let model: number[] = [];
          let isClosed = false;
          let next = 0;
          const append = (count: number, limit: number, send: (message: number) => string): void => {
            for (let sent = 0; sent < count; sent += 1) {
              const expected = isClosed ? 'closed' : model.length >= limit ? 'full' : 'accepted';
              if (expected === 'accepted') model.push(next);
              expect(send(next)).toBe(expected);
              next += 1;
            }
          };
          for (const step of script) {
            if (step.type === 'send') append(step.count, capacity - reserved, (message) => mailbox.send(message));
            else if (step.type === 'sendControl')
              append(step.count, capacity, (message) => mailbox.sendControl(message));
            else if (step.type === 'drain') {
              const into = [-1];
              const expected = model.splice(0, step.most);
              expect(mailbox.drain(into, step.most)).toBe(expected.length);
              expect(into).toEqual([-1, ...expected]);
            } else {
              expect(mailbox.close()).toEqual(model);
              model = [];
              isClosed = true;
            }
            expect(mailbox.length).toBe(model.length);
          }
        },
      ),
    );
  });

  it('wakes its reader once each time it stops being empty', () => {
    const mailbox = createMailbox<string>('wakes', 10);
    let wakes = 0;
    mailbox.onMessage(() => (wakes += 1));
    mailbox.send('a');
    mailbox.send('b');
    expect(wakes).toBe(1);
    mailbox.drain([], 1);
    mailbox.send('c');
    expect(wakes).toBe(1);
    mailbox.drain([], 10);
    mailbox.sendControl('d');
    expect(wakes).toBe(2);
  });

  it('wakes a reader that comes late, and refuses a second one', () => {
    const mailbox = createMailbox<string>('late', 10);
    mailbox.send('waiting');
    let wakes = 0;
    mailbox.onMessage(() => (wakes += 1));
    expect(wakes).toBe(1);
    expect(() => mailbox.onMessage(() => {})).toThrow('one reader');
  });

  it('keeps its reserve for control messages without letting them overtake', () => {
    const mailbox = createMailbox<string>('reserve', 3, { reserved: 1 });
    expect(mailbox.send('command 1')).toBe('accepted');
    expect(mailbox.send('command 2')).toBe('accepted');
    expect(mailbox.send('command 3')).toBe('full');
    expect(mailbox.sendControl('tick')).toBe('accepted');
    expect(mailbox.sendControl('tick')).toBe('full');
    const drained: string[] = [];
    mailbox.drain(drained, 10);
    expect(drained).toEqual(['command 1', 'command 2', 'tick']);
  });

  it.each([0, -1, 1.5, Number.NaN])('refuses the capacity %s', (capacity) => {
    expect(() => createMailbox('wrong', capacity)).toThrow('capacity');
  });

  it.each([-1, 4, 0.5])('refuses the reserve %s of 4', (reserved) => {
    expect(() => createMailbox('wrong', 4, { reserved })).toThrow('reserve');
  });
});
