import type { Clock } from '@flotilla/runtime';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { z } from 'zod';
import {
  ConfigCenter,
  type ConfigCenterOptions,
  type ConfigChange,
  type ConfigWatch,
  type CoordinationBackend,
  prefixRange,
  ValidationError,
  VersionConflictError,
} from '../../src/index.ts';

/** A backend to test over, empty below `keyPrefix`. */
export interface ConfigCenterFixture {
  readonly backend: CoordinationBackend;
  readonly clock: Clock;
  readonly keyPrefix: string;
  /** Moves the wall clock on, so that two writes do not share a time. */
  readonly passTime: () => Promise<void>;
  readonly close: () => Promise<void>;
}

/** Runs the tests of the configuration centre over one kind of backend. */
export function describeConfigCenter(name: string, open: () => Promise<ConfigCenterFixture>): void {
  describe(`the configuration centre over ${name}`, () => {
    let fixture: ConfigCenterFixture;
    const watches: ConfigWatch[] = [];

    const centerOf = (options: Partial<Omit<ConfigCenterOptions, 'backend' | 'clock'>> = {}): ConfigCenter => {
      const { backend, clock, keyPrefix } = fixture;
      return ConfigCenter.open({ backend, clock, ...options, config: { keyPrefix, ...options.config } });
    };
    /** Kept, so that none outlives its test. */
    const kept = (watch: ConfigWatch): ConfigWatch => {
      watches.push(watch);
      return watch;
    };

    beforeEach(async () => {
      fixture = await open();
    });

    afterEach(async () => {
      for (const watch of watches.splice(0)) await watch.close();
      await fixture.close();
    });

    valueTests(centerOf, () => fixture);
    historyTests(centerOf, () => fixture);
    transactionTests(centerOf);
    watchTests(centerOf, kept, () => fixture);
    viewTests(centerOf, kept, () => fixture);
  });
}

type CenterOf = (options?: Partial<Omit<ConfigCenterOptions, 'backend' | 'clock'>>) => ConfigCenter;

function valueTests(centerOf: CenterOf, fixture: () => ConfigCenterFixture): void {
  test('a value is read back with its version, times, author, comment and metadata', async () => {
    const center = centerOf();
    const metadata = { zone: 'b' };
    const set = await center.set('app/limits', '{"max":1}', { author: 'ada', comment: 'first', metadata });
    expect(set.version).toBeGreaterThan(0n);
    expect(await center.get('app/limits')).toEqual(set);
    expect(set).toMatchObject({ key: 'app/limits', value: '{"max":1}', author: 'ada', comment: 'first', metadata });
    expect(set.createTime).toEqual(set.updateTime);
    expect(await center.getVersion('app/limits')).toBe(set.version);
  });

  test('a key without value has none, and version 0', async () => {
    const center = centerOf();
    expect(await center.get('none')).toBeUndefined();
    expect(await center.getVersion('none')).toBe(0n);
    expect(await center.delete('none')).toBe(false);
  });

  test('defect: the version is the revision of the write', async () => {
    const center = centerOf();
    const one = await center.set('a', '1');
    const other = await center.set('b', '1');
    const again = await center.set('a', '2');
    expect(other.version).toBeGreaterThan(one.version);
    expect(again.version).toBeGreaterThan(other.version);
    const { kvs } = await fixture().backend.range({ key: Buffer.from(`${fixture().keyPrefix}/a`) });
    expect(kvs[0]?.modRevision).toBe(again.version);
  });

  test('defect: set is an atomic compare-and-set', async () => {
    const center = centerOf();
    const { version } = await center.set('a', '1');
    const replaced = await center.set('a', '2', { version });
    const refused = await center.set('a', '3', { version }).catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(VersionConflictError);
    expect(refused).toMatchObject({
      code: 'conflict',
      key: 'a',
      expectedVersion: version,
      actualVersion: replaced.version,
    });
    expect((await center.get('a'))?.value).toBe('2');
  });

  test('defect: of many that set one version at the same time, exactly one does', async () => {
    const center = centerOf();
    const { version } = await center.set('a', 'begin');
    const tries = Array.from({ length: 8 }, (_, index) =>
      center.set('a', String(index), { version }).then(
        () => 'set',
        (error: { code: string }) => error.code,
      ),
    );
    const outcomes = await Promise.all(tries);
    expect(outcomes.toSorted()).toEqual([...Array.from({ length: 7 }, () => 'conflict'), 'set']);
    expect((await center.get('a'))?.value).toBe(String(outcomes.indexOf('set')));
    expect((await center.getHistory('a')).map(({ value }) => value)).toEqual([
      'begin',
      String(outcomes.indexOf('set')),
    ]);
  });

  test('version 0 sets only a key that is not there', async () => {
    const center = centerOf();
    await center.set('a', '1', { version: 0n });
    await expect(center.set('a', '2', { version: 0n })).rejects.toMatchObject({
      code: 'conflict',
      expectedVersion: 0n,
    });
    await center.delete('a');
    await center.set('a', '3', { version: 0n });
    expect((await center.get('a'))?.value).toBe('3');
  });

  test('unconditional writes at the same time all succeed, each with a version of its own', async () => {
    const center = centerOf();
    const written = await Promise.all(Array.from({ length: 8 }, (_, index) => center.set('a', String(index))));
    const byVersion = written.toSorted((one, other) => Number(one.version - other.version));
    expect(new Set(written.map(({ version }) => version)).size).toBe(8);
    const history = await center.getHistory('a');
    expect(history.map(({ version, value }) => [version, value])).toEqual(
      byVersion.map(({ version, value }) => [version, value]),
    );
    expect(await center.get('a')).toEqual(byVersion.at(-1) && { ...byVersion.at(-1) });
  });

  test('delete compares versions too', async () => {
    const center = centerOf();
    const { version } = await center.set('a', '1');
    await expect(center.delete('a', { version: version + 1n })).rejects.toMatchObject({ actualVersion: version });
    await expect(center.delete('a', { version: 0n })).rejects.toMatchObject({ code: 'conflict' });
    expect(await center.delete('a', { version })).toBe(true);
    expect(await center.get('a')).toBeUndefined();
    await expect(center.delete('a', { version })).rejects.toMatchObject({ code: 'conflict', actualVersion: 0n });
    expect(await center.delete('a', { version: 0n })).toBe(false);
  });

  test('defect: createTime survives updates, and begins anew after a delete', async () => {
    const center = centerOf();
    const first = await center.set('a', '1');
    await fixture().passTime();
    const second = await center.set('a', '2');
    expect(second.createTime).toEqual(first.createTime);
    expect(second.updateTime.getTime()).toBeGreaterThan(first.updateTime.getTime());
    expect((await center.get('a'))?.createTime).toEqual(first.createTime);
    await center.delete('a');
    await fixture().passTime();
    expect((await center.set('a', '3')).createTime.getTime()).toBeGreaterThan(second.updateTime.getTime());
  });

  test('a value that another tool wrote is its text, and can be replaced by version', async () => {
    const center = centerOf();
    const { backend, keyPrefix } = fixture();
    const { revision } = await backend.put({ key: Buffer.from(`${keyPrefix}/a`), value: Buffer.from('plain text') });
    const found = await center.get('a');
    expect(found).toMatchObject({ value: 'plain text', version: revision, createTime: new Date(0) });
    await center.set('a', 'ours', { version: revision });
    expect((await center.get('a'))?.value).toBe('ours');
  });

  test('what is stored can be read with other tools', async () => {
    await centerOf().set('app/limits', '7', { author: 'ada' });
    const { backend, keyPrefix } = fixture();
    const { kvs } = await backend.range(prefixRange(Buffer.from(keyPrefix)));
    expect(kvs.map(({ key }) => Buffer.from(key).toString())).toEqual([
      `${keyPrefix}.history/app/limits@00000000000000000001`,
      `${keyPrefix}/app/limits`,
    ]);
    expect(JSON.parse(Buffer.from(kvs[1]?.value ?? []).toString())).toMatchObject({ value: '7', author: 'ada' });
  });

  test.each(['', 'half a \ud800 pair'])('the key %j is refused, and names the field', async (key) => {
    const center = centerOf();
    await expect(center.set(key, 'x')).rejects.toThrow(/^key: /);
    await expect(center.get(key)).rejects.toBeInstanceOf(ValidationError);
    await expect(center.set('a', 'half a \ud800 pair')).rejects.toThrow(/^value: /);
  });

  test('a signal that has aborted ends a call before it is sent', async () => {
    const center = centerOf();
    const signal = AbortSignal.abort();
    await expect(center.get('a', { signal })).rejects.toMatchObject({ code: 'cancelled' });
    await expect(center.set('a', '1', { signal })).rejects.toMatchObject({ code: 'cancelled' });
    expect(await center.get('a')).toBeUndefined();
  });
}

function historyTests(centerOf: CenterOf, fixture: () => ConfigCenterFixture): void {
  test('defect: the history is ordered by version and survives a delete', async () => {
    const center = centerOf();
    await center.set('a', '1', { author: 'ada', comment: 'first' });
    await center.set('a', '2');
    await center.delete('a', { author: 'bob', comment: 'not needed' });
    await center.set('a', '3');
    const history = await center.getHistory('a');
    expect(history.map(({ type, value, author, comment }) => [type, value, author, comment])).toEqual([
      ['create', '1', 'ada', 'first'],
      ['update', '2', undefined, undefined],
      ['delete', undefined, 'bob', 'not needed'],
      ['create', '3', undefined, undefined],
    ]);
    const versions = history.map(({ version }) => version);
    expect(versions).toEqual(versions.toSorted((one, other) => Number(one - other)));
    await center.delete('a');
    expect((await center.getHistory('a')).map(({ type }) => type)).toEqual([
      'create',
      'update',
      'delete',
      'create',
      'delete',
    ]);
  });

  test('the limit takes the latest versions', async () => {
    const center = centerOf();
    for (const value of ['1', '2', '3']) await center.set('a', value);
    expect((await center.getHistory('a', 2)).map(({ value }) => value)).toEqual(['2', '3']);
    await expect(center.getHistory('a', 0)).rejects.toThrow(/^limit: /);
    expect(await center.getHistory('b')).toEqual([]);
  });

  test('the history is bounded: the oldest versions go', async () => {
    const center = centerOf({ config: { maxVersionHistory: 3 } });
    for (let value = 1; value <= 7; value += 1) await center.set('a', String(value));
    expect((await center.getHistory('a')).map(({ value }) => value)).toEqual(['5', '6', '7']);
    await centerOf({ config: { maxVersionHistory: 1 } }).delete('a');
    expect((await center.getHistory('a')).map(({ type }) => type)).toEqual(['delete']);
  });

  test('a value and its version are one revision', async () => {
    const center = centerOf();
    const { version } = await center.set('a', '1');
    expect((await center.getHistory('a')).map((kept) => kept.version)).toEqual([version]);
    await center.set('a', '2', { version });
    await expect(center.set('a', '3', { version })).rejects.toMatchObject({ code: 'conflict' });
    expect((await center.getHistory('a')).at(-1)?.version).toBe(await center.getVersion('a'));
  });

  test('the history outlives compaction of the backend', async () => {
    const center = centerOf();
    const { version } = await center.set('a', '1');
    const latest = await center.set('a', '2');
    await fixture().backend.compact(latest.version);
    expect(await center.getHistoryVersion('a', version)).toMatchObject({ value: '1' });
  });

  test('without versioning there is no history, and compare-and-set as before', async () => {
    const center = centerOf({ config: { enableVersioning: false } });
    const { version } = await center.set('a', '1');
    await center.set('a', '2', { version });
    await expect(center.set('a', '3', { version })).rejects.toMatchObject({ code: 'conflict' });
    expect(await center.getHistory('a')).toEqual([]);
    expect(await center.delete('a')).toBe(true);
  });

  test('two versions are compared, field by field where they are JSON', async () => {
    const center = centerOf();
    const from = await center.set('a', '{"max":1,"zone":"b"}');
    const to = await center.set('a', '{"max":2,"zone":"b"}');
    const diff = await center.diff('a', from.version, to.version);
    expect(diff.json).toEqual([{ path: '/max', type: 'changed', before: 1, after: 2 }]);
    expect(diff.lines.map(({ type }) => type)).toEqual(['removed', 'added']);
    const text = await center.set('a', 'no JSON');
    expect((await center.diff('a', to.version, text.version)).json).toBeUndefined();
    await expect(center.diff('a', from.version, 1n << 60n)).rejects.toThrow(
      /^version: .* has no version 1152921504606846976/,
    );
  });

  test('a rollback is a new version with the old value, and says so', async () => {
    const center = centerOf();
    const { version } = await center.set('a', '1');
    await center.set('a', '2');
    const back = await center.rollback('a', version, { author: 'ada', comment: 'too slow' });
    expect(back).toMatchObject({ value: '1', author: 'ada', comment: `rollback to version ${version}: too slow` });
    expect((await center.getHistory('a')).map(({ value }) => value)).toEqual(['1', '2', '1']);
    await center.delete('a');
    expect(await center.rollback('a', version)).toMatchObject({ comment: `rollback to version ${version}` });
    const deletion = (await center.getHistory('a')).find(({ type }) => type === 'delete');
    await expect(center.rollback('a', deletion?.version ?? 0n)).rejects.toThrow(/is a deletion/);
  });
}

function transactionTests(centerOf: CenterOf): void {
  test('a transaction writes all keys in one revision', async () => {
    const center = centerOf();
    await center.set('old', '1');
    const written = await center.transact(
      [
        { type: 'set', key: 'a', value: '1' },
        { type: 'set', key: 'b', value: '2', version: 0n },
        { type: 'delete', key: 'old' },
        { type: 'delete', key: 'never there' },
      ],
      { author: 'ada', comment: 'move' },
    );
    expect(written.map(({ key, value }) => [key, value])).toEqual([
      ['a', '1'],
      ['b', '2'],
    ]);
    expect(new Set(written.map(({ version }) => version)).size).toBe(1);
    const [last] = await center.getHistory('old', 1);
    expect(last).toMatchObject({ type: 'delete', author: 'ada', version: written[0]?.version });
    expect(await center.getHistory('never there')).toEqual([]);
  });

  test('a transaction of which one version is another writes nothing', async () => {
    const center = centerOf();
    const { version } = await center.set('b', '1');
    const operations = [
      { type: 'set', key: 'a', value: 'new' },
      { type: 'set', key: 'b', value: 'new', version: version + 1n },
    ] as const;
    await expect(center.transact(operations)).rejects.toMatchObject({ code: 'conflict', key: 'b' });
    expect(await center.get('a')).toBeUndefined();
    expect((await center.get('b'))?.value).toBe('1');
  });

  test('a transaction of as many keys as may be, and one more', async () => {
    const center = centerOf({ config: { maxVersionHistory: 1 } });
    const operations = Array.from({ length: 42 }, (_, index) => ({
      type: 'set' as const,
      key: `key ${index}`,
      value: 'x',
    }));
    await center.transact(operations);
    // The second time each also ends its oldest version.
    await center.transact(operations);
    expect((await center.list('key ')).values).toHaveLength(42);
    const oneMore = { type: 'set', key: 'one more', value: 'x' } as const;
    await expect(center.transact([...operations, oneMore])).rejects.toThrow(/^operations: must be 1 to 42, got 43/);
    await expect(center.transact([])).rejects.toThrow(/^operations: /);
    await expect(center.transact([oneMore, oneMore])).rejects.toThrow(/a key is written twice/);
  });
}

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

function watchTests(
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

function viewTests(
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
