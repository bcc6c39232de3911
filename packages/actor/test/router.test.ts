import { describe, expect, it } from 'vitest';
import { createMailbox, type Mailbox } from '../src/mailbox.ts';
import { Router } from '../src/router.ts';

describe('Router', () => {
  it('sends to the recipient registered under an id, and to no other', () => {
    const router = new Router<number, string>();
    const one = createMailbox<string>('one', 1);
    const two = createMailbox<string>('two', 1);
    router.register(1, one);
    router.register(2, two);
    expect(router.send(1, 'a')).toBe('accepted');
    expect(router.send(1, 'b')).toBe('full');
    expect(router.send(3, 'c')).toBe('notFound');
    expect([one.length, two.length]).toEqual([1, 0]);
    expect(router.ids()).toEqual([1, 2]);
  });

  it('forgets what is unregistered and refuses an id twice', () => {
    const router = new Router<number, string>();
    const mailbox = createMailbox<string>('one', 1);
    router.register(1, mailbox);
    expect(() => router.register(1, mailbox)).toThrow('registered once');
    expect(router.unregister(1)).toBe(true);
    expect(router.unregister(1)).toBe(false);
    expect(router.has(1)).toBe(false);
    expect(router.send(1, 'a')).toBe('notFound');
    expect(router.sendControl(1, 'a')).toBe('notFound');
    router.register(1, mailbox);
    expect(router.size).toBe(1);
  });

  it('lets many regions share one mailbox, with room left for control messages', () => {
    const shared: Mailbox<readonly [number, string]> = createMailbox('raft worker', 3, { reserved: 1 });
    const router = new Router<number, string>();
    for (const regionId of [1, 2]) {
      router.register(regionId, {
        send: (message) => shared.send([regionId, message]),
        sendControl: (message) => shared.sendControl([regionId, message]),
      });
    }
    expect(router.send(1, 'command')).toBe('accepted');
    expect(router.send(2, 'command')).toBe('accepted');
    expect(router.send(2, 'command')).toBe('full');
    expect(router.sendControl(2, 'tick')).toBe('accepted');
    expect(router.send(3, 'command')).toBe('notFound');
    expect(shared.close()).toEqual([
      [1, 'command'],
      [2, 'command'],
      [2, 'tick'],
    ]);
    expect(router.send(1, 'command')).toBe('closed');
  });

  it('counts how a broadcast went', () => {
    const router = new Router<string, string>();
    const open = createMailbox<string>('open', 1);
    const full = createMailbox<string>('full', 1);
    const closed = createMailbox<string>('closed', 1);
    full.send('earlier');
    closed.close();
    for (const mailbox of [open, full, closed]) router.register(mailbox.name, mailbox);
    expect(router.broadcast('hello')).toEqual({ accepted: 1, full: 1, closed: 1 });
    const roomy = createMailbox<string>('roomy', 2, { reserved: 1 });
    roomy.send('command');
    router.register(roomy.name, roomy);
    expect(router.broadcast('hello')).toEqual({ accepted: 0, full: 3, closed: 1 });
    expect(router.broadcastControl('tick')).toEqual({ accepted: 1, full: 2, closed: 1 });
  });
});
