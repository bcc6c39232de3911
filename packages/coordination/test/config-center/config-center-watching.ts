import { expect, test } from 'vitest';
import { z } from 'zod';
import { type ConfigChange, type ConfigWatch, prefixRange } from '../../src/index.ts';
import type { CenterOf, ConfigCenterFixture } from './config-center-fixture.ts';

/** The next changes of a watch. */
async function take(watch: ConfigWatch, count: number): Promise<ConfigChange[]> {
  const changes: ConfigChange[] = [];
  while (changes.length < count) {
    const { value, done } = await watch.next();
    if (done === true) throw new Error(`the watch ended after ${changes.length} of ${count} changes`);
    changes.push(value);
  }
  return changes;
}

/** Streams of changes. */
export function watchTests(
  centerOf: CenterOf,
  kept: (watch: ConfigWatch) => ConfigWatch,
  fixture: () => ConfigCenterFixture,
): void {
  test('defect: a change carries its type, old value, new value and version', async () => {
    const center = centerOf();
    const watch = kept(center.watch('a'));
    await watch.ready();
    const one = await center.set('a', '1');
    const two = await center.set('a', '2');
    await center.delete('a');
    await center.set('ab', 'another key');
    await center.set('a', '3');
    const changes = await take(watch, 4);
    expect(changes).toMatchObject([
      { type: 'create', key: 'a', oldValue: undefined, newValue: '1', version: one.version, timestamp: one.updateTime },
      { type: 'update', key: 'a', oldValue: '1', newValue: '2', version: two.version, timestamp: two.updateTime },
      { type: 'delete', key: 'a', oldValue: '2', newValue: undefined },
      { type: 'create', key: 'a', oldValue: undefined, newValue: '3' },
    ]);
    const [, , deleted] = await center.getHistory('a');
    expect(changes[2]?.version).toBe(deleted?.version);
  });

  test('a prefix is watched with all keys below it, and nothing of their history', async () => {
    const center = centerOf();
    const watch = kept(center.watchPrefix('app/'));
    await watch.ready();
    await center.set('app/a', '1');
    await center.set('apple', '1');
    await center.transact([
      { type: 'set', key: 'app/b', value: '2' },
      { type: 'delete', key: 'app/a' },
    ]);
    const changes = await take(watch, 3);
    expect(changes[0]).toMatchObject({ type: 'create', key: 'app/a' });
    const together = changes.slice(1).map((change) => (change.type === 'reset' ? '' : `${change.type} ${change.key}`));
    expect(together.toSorted()).toEqual(['create app/b', 'delete app/a']);
    expect(changes[1]?.version).toBe(changes[2]?.version);
  });

  test('defect: several watchers of one key live and die apart', async () => {
    const center = centerOf();
    const [one, two, three] = [kept(center.watch('a')), kept(center.watch('a')), kept(center.watch('a'))] as const;
    await Promise.all([one.ready(), two.ready(), three.ready()]);
    await center.set('a', '1');
    expect(await take(one, 1)).toMatchObject([{ newValue: '1' }]);
    await one.close();
    expect(await one.next()).toMatchObject({ done: true });
    await center.set('a', '2');
    expect(await take(two, 2)).toMatchObject([{ newValue: '1' }, { newValue: '2' }]);
    expect(await take(three, 2)).toMatchObject([{ newValue: '1' }, { newValue: '2' }]);
  });

  test('defect: there is no gap between a list and a watch behind it', async () => {
    const center = centerOf();
    await center.set('app/a', '1');
    const { values, version } = await center.list('app/');
    await center.set('app/a', '2');
    await center.set('app/b', '1');
    const watch = kept(center.watchPrefix('app/', { fromVersion: version + 1n }));
    await center.set('app/c', '1');
    expect(values.map(({ value }) => value)).toEqual(['1']);
    expect(await take(watch, 3)).toMatchObject([
      { type: 'update', key: 'app/a', oldValue: '1', newValue: '2' },
      { type: 'create', key: 'app/b' },
      { type: 'create', key: 'app/c' },
    ]);
  });

  test('a watch resumes behind the last change without gap', async () => {
    const center = centerOf();
    const first = kept(center.watch('a'));
    await first.ready();
    await center.set('a', '1');
    const [seen] = await take(first, 1);
    await first.close();
    await center.set('a', '2');
    await center.set('a', '3');
    const second = kept(center.watch('a', { fromVersion: (seen?.version ?? 0n) + 1n }));
    expect(await take(second, 2)).toMatchObject([{ newValue: '2', oldValue: '1' }, { newValue: '3' }]);
  });

  test('after compaction a watch yields an explicit reset with what there is, and goes on', async () => {
    const center = centerOf();
    const { version } = await center.set('a', '1');
    await center.set('a', '2');
    const latest = await center.set('b', '1');
    await fixture().backend.compact(latest.version);
    const watch = kept(center.watchPrefix('', { fromVersion: version }));
    const [reset] = await take(watch, 1);
    expect(reset).toMatchObject({
      type: 'reset',
      values: [
        { key: 'a', value: '2' },
        { key: 'b', value: '1' },
      ],
    });
    expect(reset?.version).toBeGreaterThanOrEqual(latest.version);
    await center.set('a', '3');
    expect(await take(watch, 1)).toMatchObject([{ type: 'update', oldValue: '2', newValue: '3' }]);
  });

  test('an initial watch begins with what there is', async () => {
    const center = centerOf();
    const set = await center.set('a', '1');
    const watch = kept(center.watch('a', { initial: true }));
    expect(await take(watch, 1)).toMatchObject([{ type: 'reset', values: [set] }]);
    await center.set('a', '2');
    expect(await take(watch, 1)).toMatchObject([{ type: 'update', oldValue: '1', newValue: '2' }]);
  });

  test('a watch ends with its signal, also while it waits', async () => {
    const center = centerOf();
    const controller = new AbortController();
    const watch = kept(center.watch('a', { signal: controller.signal }));
    await watch.ready();
    const next = watch.next();
    controller.abort();
    expect(await next).toEqual({ done: true, value: undefined });
    expect(await watch.next()).toEqual({ done: true, value: undefined });
    const late = kept(center.watch('a', { signal: controller.signal }));
    expect(await late.next()).toEqual({ done: true, value: undefined });
  });

  test('closing a watch ends a reader that waits', async () => {
    const watch = kept(centerOf().watch('a'));
    await watch.ready();
    const next = watch.next();
    await watch.close();
    expect(await next).toEqual({ done: true, value: undefined });
  });
}

/** Namespaces, schemas, types and encryption. */
export function viewTests(
  centerOf: CenterOf,
  kept: (watch: ConfigWatch) => ConfigWatch,
  fixture: () => ConfigCenterFixture,
): void {
  test('a namespace is a view with keys of its own', async () => {
    const root = centerOf();
    const team = root.namespace('team').namespace('web');
    await team.set('a', '1');
    await root.set('a', 'root');
    expect(await root.get('team/web/a')).toMatchObject({ key: 'team/web/a', value: '1' });
    expect(await team.get('a')).toMatchObject({ key: 'a', value: '1' });
    expect((await team.list()).values.map(({ key }) => key)).toEqual(['a']);
    expect((await team.getHistory('a')).map(({ key, value }) => [key, value])).toEqual([['a', '1']]);
    const watch = kept(team.watchPrefix('', { initial: true }));
    expect(await take(watch, 1)).toMatchObject([{ values: [{ key: 'a' }] }]);
    await root.set('b', 'outside');
    await team.delete('a');
    expect(await take(watch, 1)).toMatchObject([{ type: 'delete', key: 'a', oldValue: '1' }]);
  });

  test('a schema refuses bad values on set, naming the field, and changes nothing', async () => {
    const center = centerOf({
      schemas: [{ prefix: 'limits/', schema: z.object({ max: z.number().int(), zone: z.string() }) }],
    });
    await center.set('limits/web', '{"max":1,"zone":"b"}');
    await expect(center.set('limits/web', '{"max":"many"}')).rejects.toMatchObject({
      code: 'validation',
      message: expect.stringMatching(/^configuration "limits\/web": max: .*; zone: /),
    });
    await expect(center.set('limits/web', 'no JSON')).rejects.toThrow(/value: is not JSON/);
    await expect(
      center.transact([
        { type: 'set', key: 'a', value: 'x' },
        { type: 'set', key: 'limits/web', value: '{}' },
      ]),
    ).rejects.toMatchObject({ code: 'validation' });
    expect(await center.get('a')).toBeUndefined();
    expect(await center.getHistory('limits/web')).toHaveLength(1);
    const unchecked = centerOf({ config: { enableValidation: false }, schemas: [{ prefix: '', schema: z.never() }] });
    await unchecked.set('limits/web', 'whatever');
  });

  test('a key’s own schema goes before a prefix’s, and a longer prefix before a shorter', async () => {
    const center = centerOf();
    center.addSchema({ prefix: '', schema: z.number() });
    center.addSchema({ prefix: 'app/', schema: z.string(), format: 'text' });
    center.namespace('app').addSchema({ key: 'own', schema: z.boolean() });
    await center.set('n', '7');
    await expect(center.set('n', '"seven"')).rejects.toThrow(/value: /);
    await center.set('app/n', 'seven');
    await center.set('app/own', 'true');
    await expect(center.namespace('app').set('own', 'seven')).rejects.toThrow(/"app\/own"/);
  });

  test('a typed key gives and takes values of its type', async () => {
    const center = centerOf();
    const limits = center.typed('limits', z.object({ max: z.number(), zone: z.string().default('a') }));
    expect(await limits.get()).toBeUndefined();
    const { version } = await limits.set({ max: 1, zone: 'b' });
    await center.set('limits', '{"max":2}', { version });
    expect(await limits.get()).toMatchObject({ value: { max: 2, zone: 'a' }, text: '{"max":2}' });
    await expect(limits.set({ max: 'many' } as never)).rejects.toThrow(/max: /);
    await center.set('limits', '{}');
    await expect(limits.get()).rejects.toThrow(/max: /);
  });

  test('with a key, values and their history are encrypted at rest, and everything else works as before', async () => {
    const encryptionKeys = [{ id: 'k', key: new Uint8Array(32).fill(7) }];
    const center = centerOf({ encryptionKeys });
    const watch = kept(center.watch('a'));
    await watch.ready();
    const { version } = await center.set('a', 'sesame');
    await center.set('a', 'open', { version });
    expect(await center.get('a')).toMatchObject({ value: 'open' });
    expect((await center.getHistory('a')).map(({ value }) => value)).toEqual(['sesame', 'open']);
    expect(await take(watch, 2)).toMatchObject([{ newValue: 'sesame' }, { oldValue: 'sesame', newValue: 'open' }]);
    const { kvs } = await fixture().backend.range(prefixRange(Buffer.from(fixture().keyPrefix)));
    expect(kvs).toHaveLength(3);
    for (const { value } of kvs) expect(Buffer.from(value).toString()).not.toMatch(/sesame|open/);
    await expect(centerOf().get('a')).rejects.toThrow(/is encrypted, and no key was given/);
  });
}
