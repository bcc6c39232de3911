import { expect, test } from 'vitest';
import { checkDatabaseMark, isBlank } from '../src/database-mark.ts';
import type { Engine } from '../src/engine.ts';
import { databaseMarkKey, storeIdentKey } from '../src/key-layout.ts';
import { MemoryEngine } from '../src/memory-engine.ts';

async function engineWith(...pairs: (readonly [Uint8Array, string])[]): Promise<MemoryEngine> {
  const engine = new MemoryEngine();
  const batch = engine.batch();
  for (const [key, value] of pairs) batch.put(key, Buffer.from(value));
  await engine.write(batch, { sync: true });
  return engine;
}

const contentOf = async (engine: Engine): Promise<string[]> =>
  (await engine.scan({ start: new Uint8Array(0) })).map(({ value }) => Buffer.from(value).toString());

test('marks a new database durably, and knows it again', async () => {
  const engine = await engineWith();
  await checkDatabaseMark(engine, 'kv', true);
  engine.disk.crash();
  const again = new MemoryEngine(engine.disk);
  await checkDatabaseMark(again, 'kv', false);
  await checkDatabaseMark(again, 'kv', true);
  expect(await contentOf(again)).toEqual(['kv 1']);
});

test('a marked database is blank until it holds something else', async () => {
  expect(await isBlank(await engineWith())).toBe(true);
  expect(await isBlank(await engineWith([databaseMarkKey, 'kv 1']))).toBe(true);
  expect(await isBlank(await engineWith([storeIdentKey, 'x']))).toBe(false);
  expect(await isBlank(await engineWith([databaseMarkKey, 'kv 1'], [storeIdentKey, 'x']))).toBe(false);
});

test.each([
  ['one that came up empty', [], false, 'engineCorrupted', /lost its mark/],
  ['data without a mark', [[storeIdentKey, 'x']], true, 'engineCorrupted', /no mark of kv/],
  ['another database', [[databaseMarkKey, 'raft 1']], true, 'engineCorrupted', /marked "raft 1", not kv/],
  ['a damaged mark', [[databaseMarkKey, 'kv one']], false, 'engineCorrupted', /marked "kv one"/],
  [
    'another format',
    [[databaseMarkKey, 'kv 2']],
    true,
    'formatVersionMismatch',
    /format 2; this version reads format 1/,
  ],
] as const)('refuses %s, and changes nothing', async (_what, pairs, mayBeNew, code, message) => {
  const engine = await engineWith(...pairs);
  const before = await contentOf(engine);
  const checked = checkDatabaseMark(engine, 'kv', mayBeNew);
  await expect(checked).rejects.toMatchObject({ code, message: expect.stringMatching(message) });
  expect(await contentOf(engine)).toEqual(before);
});
