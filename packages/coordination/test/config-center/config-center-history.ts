import { expect, test } from 'vitest';
import type { CenterOf, ConfigCenterFixture } from './config-center-fixture.ts';

/** What the history keeps. */
export function historyTests(centerOf: CenterOf, fixture: () => ConfigCenterFixture): void {
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

/** Several keys at once. */
export function transactionTests(centerOf: CenterOf): void {
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
