import { describe, expect, it } from 'vitest';
import { KeySpace } from '../src/index.ts';
import { bytes, collect, startTestCluster } from './test-client.ts';

const text = (key: Uint8Array): string => Buffer.from(key).toString();

describe('a key space', () => {
  const space = new KeySpace('r');

  it('puts its prefix before keys, and bounds open ranges', () => {
    expect(text(space.inner(bytes('ship')))).toBe('rship');
    expect(text(space.outer(bytes('rship')))).toBe('ship');
    const whole = space.innerRange({});
    expect([text(whole.start!), text(whole.end!)]).toEqual(['r', 's']);
    const part = space.innerRange({ start: bytes('a'), end: bytes('b'), limit: 3 });
    expect([text(part.start!), text(part.end!), part.limit]).toEqual(['ra', 'rb', 3]);
  });

  it('without a prefix leaves keys as they are', () => {
    const plain = new KeySpace('');
    const key = bytes('ship');
    expect(plain.inner(key)).toBe(key);
    const { start, end } = plain.innerRange({ start: bytes('a') });
    expect([text(start!), text(end!)]).toEqual(['a', '']);
    const whole = plain.outerRange({ startKey: bytes('a'), endKey: bytes('') });
    expect([text(whole!.startKey), text(whole!.endKey)]).toEqual(['a', '']);
  });

  it.each([
    ['', '', ['', '']],
    ['n', '', ['', '']],
    ['n', 'rk', ['', 'k']],
    ['rk', 's', ['k', '']],
    ['rk', 'zz', ['k', '']],
    ['ra', 'rb', ['a', 'b']],
    ['m', 'n', undefined],
    ['', 'r', undefined],
    ['s', '', undefined],
  ])('has of the range from "%s" to "%s" the keys %j', (startKey, endKey, expected) => {
    const outer = space.outerRange({ startKey: bytes(startKey), endKey: bytes(endKey) });
    expect(outer === undefined ? undefined : [text(outer.startKey), text(outer.endKey)]).toEqual(expected);
  });
});

describe('a client with a prefix', () => {
  it('reads, writes and scans its own keys alone', async () => {
    const { client, cluster } = await startTestCluster({ keyPrefix: 'r' });
    const hex = (key: string): string => Buffer.from(key).toString('hex');
    cluster.data.set(hex('m'), bytes('another’s'));
    cluster.data.set(hex('s'), bytes('another’s too'));
    await client.put(bytes('a'), bytes('1'));
    await client.putMany([
      { key: bytes('b'), value: bytes('2') },
      { key: bytes('c'), value: bytes('3') },
    ]);
    cluster.split(bytes('rb'));
    expect([...cluster.data.keys()].sort()).toEqual(['m', 'ra', 'rb', 'rc', 's'].map(hex));
    expect(text((await client.get(bytes('b')))!)).toBe('2');
    expect(await client.get(bytes('m'))).toBeUndefined();
    expect((await collect(client.scan())).map(({ key }) => text(key))).toEqual(['a', 'b', 'c']);
    const range = { start: bytes('b'), end: bytes('c') };
    expect((await collect(client.scan(range))).map(({ key }) => text(key))).toEqual(['b']);
    await client.delete(bytes('a'));
    expect(await client.deleteMany([bytes('b'), bytes('s')])).toBe(2);
    expect([...cluster.data.keys()].sort()).toEqual(['m', 'rc', 's'].map(hex));
    await expect(client.get(bytes(''))).rejects.toMatchObject({ code: 'invalidArgument' });
  });
});
