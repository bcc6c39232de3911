import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ConfigCenter, type ConfigWatch, prefixRange, ValidationError, VersionConflictError } from '../../src/index.ts';
import type { CenterOf, ConfigCenterFixture } from './config-center-fixture.ts';
import { historyTests, transactionTests } from './config-center-history.ts';
import { viewTests, watchTests } from './config-center-watching.ts';

/** Runs the tests of the configuration centre over one kind of backend. */
export function describeConfigCenter(name: string, open: () => Promise<ConfigCenterFixture>): void {
  describe(`the configuration centre over ${name}`, () => {
    let fixture: ConfigCenterFixture;
    const watches: ConfigWatch[] = [];

    const centerOf: CenterOf = (options = {}) => {
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
