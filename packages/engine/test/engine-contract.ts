import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compareBytes } from '../src/byte-order.ts';
import type { Engine, EngineReader, KeyRange, KeyValue, ScanOptions } from '../src/engine.ts';

/** Makes empty engines of one kind; `dispose` ends one and removes what it left. */
export interface EngineUnderTest {
  readonly name: string;
  open(): Promise<{ readonly engine: Engine; dispose(): Promise<void> }>;
}

const text = (value: string): Uint8Array => new TextEncoder().encode(value);
const hex = (bytes: Uint8Array | undefined): string | undefined =>
  bytes === undefined ? undefined : Buffer.from(bytes).toString('hex');
const hexPairs = (pairs: readonly KeyValue[]): string[] => pairs.map((pair) => `${hex(pair.key)}=${hex(pair.value)}`);
const keysOf = (pairs: readonly KeyValue[]): string[] => pairs.map((pair) => Buffer.from(pair.key).toString());

async function put(engine: Engine, ...pairs: [string, string][]): Promise<void> {
  const batch = engine.batch();
  for (const [key, value] of pairs) batch.put(text(key), text(value));
  await engine.write(batch, { sync: false });
}

async function collect(batches: AsyncIterable<KeyValue[]>): Promise<KeyValue[]> {
  const pairs: KeyValue[] = [];
  for await (const batch of batches) pairs.push(...batch);
  return pairs;
}

/** A map that does what an engine has to do. */
class Model {
  readonly pairs = new Map<string, Uint8Array>();

  scan(options: ScanOptions): string[] {
    const inRange = [...this.pairs]
      .map(([key, value]) => ({ key: Buffer.from(key, 'hex'), value }))
      .filter(({ key }) => compareBytes(key, options.start) >= 0 && isBelow(key, options))
      .sort((left, right) => compareBytes(left.key, right.key));
    if (options.reverse === true) inRange.reverse();
    return hexPairs(inRange.slice(0, options.limit));
  }
}

function isBelow(key: Uint8Array, range: KeyRange): boolean {
  return range.end === undefined || range.end.length === 0 || compareBytes(key, range.end) < 0;
}

type Step =
  | { readonly type: 'write'; readonly operations: readonly (readonly [Uint8Array, Uint8Array | undefined])[] }
  | { readonly type: 'deleteRange'; readonly range: KeyRange }
  | { readonly type: 'snapshot' };

const keys = fc.uint8Array({ minLength: 1, maxLength: 3, max: 3 }).chain((key) =>
  fc.constantFrom(
    key,
    Uint8Array.from(key, (byte) => (byte === 3 ? 255 : byte)),
  ),
);
const values = fc.uint8Array({ maxLength: 4 });
const ranges = fc.record({
  start: fc.oneof(keys, fc.constant(new Uint8Array(0))),
  end: fc.option(keys, { nil: undefined }),
});
const steps: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      type: fc.constant('write' as const),
      operations: fc.array(fc.tuple(keys, fc.option(values, { nil: undefined })), { maxLength: 8 }),
    }),
  },
  fc.record({ type: fc.constant('deleteRange' as const), range: ranges }),
  fc.record({ type: fc.constant('snapshot' as const) }),
);
const scans: fc.Arbitrary<ScanOptions> = fc
  .tuple(ranges, fc.option(fc.integer({ min: 1, max: 5 }), { nil: undefined }), fc.boolean())
  .map(([range, limit, reverse]) => ({ ...range, limit, reverse }));

async function runStep(engine: Engine, model: Model, step: Exclude<Step, { type: 'snapshot' }>): Promise<void> {
  if (step.type === 'deleteRange') {
    await engine.deleteRange(step.range);
    for (const line of model.scan(step.range)) model.pairs.delete(line.slice(0, line.indexOf('=')));
    return;
  }
  const batch = engine.batch();
  for (const [key, value] of step.operations) {
    if (value === undefined) batch.delete(key);
    else batch.put(key, value);
    if (value === undefined) model.pairs.delete(hex(key) as string);
    else model.pairs.set(hex(key) as string, value);
  }
  await engine.write(batch, { sync: step.operations.length % 2 === 0 });
}

async function expectSame(reader: EngineReader, model: Model, scan: ScanOptions): Promise<void> {
  expect(hexPairs(await reader.scan(scan))).toEqual(model.scan(scan));
  const { limit: _, ...unlimited } = scan;
  expect(hexPairs(await collect(reader.iterate(unlimited, 2)))).toEqual(model.scan(unlimited));
}

/** What every engine does. Run by each implementation's test. */
export function describeEngine(underTest: EngineUnderTest): void {
  const withEngine = async (use: (engine: Engine) => Promise<void>): Promise<void> => {
    const { engine, dispose } = await underTest.open();
    try {
      await use(engine);
    } finally {
      await dispose();
    }
  };

  describe(`${underTest.name} as an engine`, () => {
    test('reads what a batch wrote, in byte order, and tells an empty value from none', () =>
      withEngine(async (engine) => {
        await put(engine, ['b', '2'], ['a', ''], ['ab', '3']);
        expect(hex(engine.getSync(text('a')))).toBe('');
        expect(hex(await engine.get(text('b')))).toBe('32');
        expect(engine.getSync(text('c'))).toBeUndefined();
        expect(await engine.get(text('c'))).toBeUndefined();
        expect(keysOf(await engine.scan({ start: new Uint8Array(0) }))).toEqual(['a', 'ab', 'b']);
      }));

    test('applies the operations of a batch in the order they were added', () =>
      withEngine(async (engine) => {
        const batch = engine.batch();
        batch.put(text('k'), text('1'));
        batch.delete(text('k'));
        batch.put(text('k'), text('2'));
        batch.put(text('gone'), text('1'));
        batch.delete(text('gone'));
        expect([batch.count, batch.byteLength]).toEqual([5, 14]);
        await engine.write(batch, { sync: true });
        expect(hex(engine.getSync(text('k')))).toBe('32');
        expect(engine.getSync(text('gone'))).toBeUndefined();
      }));

    test('applies batches in the order of the calls', () =>
      withEngine(async (engine) => {
        await Promise.all(Array.from({ length: 50 }, (_, turn) => put(engine, ['k', `${turn}`])));
        expect(Buffer.from(engine.getSync(text('k')) ?? []).toString()).toBe('49');
      }));

    test('a scan keeps to its bounds, limit and bytes from both sides', () =>
      withEngine(async (engine) => {
        await put(engine, ['a', '1'], ['b', '22'], ['c', '3'], ['d', '4']);
        const range = { start: text('b'), end: text('d') };
        expect(keysOf(await engine.scan(range))).toEqual(['b', 'c']);
        expect(keysOf(await engine.scan({ ...range, reverse: true }))).toEqual(['c', 'b']);
        expect(keysOf(await engine.scan({ ...range, limit: 1 }))).toEqual(['b']);
        expect(keysOf(await engine.scan({ ...range, limit: 1, reverse: true }))).toEqual(['c']);
        expect(keysOf(await engine.scan({ start: text('b'), end: new Uint8Array(0) }))).toEqual(['b', 'c', 'd']);
        expect(keysOf(await engine.scan({ start: text('a'), maxBytes: 3 }))).toEqual(['a', 'b']);
        expect(keysOf(await engine.scan({ start: text('a'), maxBytes: 2 }))).toEqual(['a']);
        expect(await engine.scan({ start: text('d'), end: text('b') })).toEqual([]);
        expect(await engine.scan({ start: text('d'), end: text('b'), reverse: true })).toEqual([]);
      }));

    test('iterates in arrays of at most the size asked for, and stops early', () =>
      withEngine(async (engine) => {
        await put(engine, ['a', '1'], ['b', '2'], ['c', '3']);
        const sizes: number[] = [];
        for await (const batch of engine.iterate({ start: text('a') }, 2)) sizes.push(batch.length);
        expect(sizes).toEqual([2, 1]);
        for await (const batch of engine.iterate({ start: text('a'), reverse: true }, 1)) {
          expect(keysOf(batch)).toEqual(['c']);
          break;
        }
      }));

    test('an iteration does not see what is written while it runs', () =>
      withEngine(async (engine) => {
        await put(engine, ['a', '1'], ['c', '3']);
        const seen: string[] = [];
        for await (const batch of engine.iterate({ start: text('a') }, 1)) {
          seen.push(...keysOf(batch));
          await put(engine, ['b', '2'], ['d', '4']);
        }
        expect(seen).toEqual(['a', 'c']);
      }));

    test('a snapshot stays as it was taken, until it is closed', () =>
      withEngine(async (engine) => {
        await put(engine, ['a', '1']);
        const snapshot = engine.snapshot();
        await put(engine, ['a', '2'], ['b', '1']);
        expect(hex(snapshot.getSync(text('a')))).toBe('31');
        expect(hex(await snapshot.get(text('a')))).toBe('31');
        expect(await snapshot.get(text('b'))).toBeUndefined();
        expect(keysOf(await snapshot.scan({ start: text('a') }))).toEqual(['a']);
        expect(keysOf(await collect(snapshot.iterate({ start: text('a') })))).toEqual(['a']);
        await snapshot.close();
        expect(() => snapshot.getSync(text('a'))).toThrow(expect.objectContaining({ code: 'snapshotClosed' }));
        await expect(snapshot.scan({ start: text('a') })).rejects.toMatchObject({ code: 'snapshotClosed' });
        expect(hex(engine.getSync(text('a')))).toBe('32');
      }));

    test('refuses an empty key everywhere, and changes nothing', () =>
      withEngine(async (engine) => {
        const none = new Uint8Array(0);
        const batch = engine.batch();
        const refusal = expect.objectContaining({ code: 'invalidKey' });
        expect(() => batch.put(none, text('1'))).toThrow(refusal);
        expect(() => batch.delete(none)).toThrow(refusal);
        expect(() => engine.getSync(none)).toThrow(refusal);
        await expect(engine.get(none)).rejects.toMatchObject({ code: 'invalidKey' });
        expect(batch.count).toBe(0);
      }));

    test('a batch is used once', () =>
      withEngine(async (engine) => {
        const batch = engine.batch();
        batch.put(text('a'), text('1'));
        await engine.write(batch, { sync: false });
        await expect(engine.write(batch, { sync: false })).rejects.toMatchObject({ code: 'invariantViolated' });
      }));

    test('an empty batch leaves no trace, synced or not', () =>
      withEngine(async (engine) => {
        await engine.write(engine.batch(), { sync: true });
        await engine.write(engine.batch(), { sync: false });
        expect(await engine.scan({ start: new Uint8Array(0) })).toEqual([]);
      }));

    test('deletes a range and nothing beside it', () =>
      withEngine(async (engine) => {
        await put(engine, ['a', '1'], ['b', '2'], ['c', '3'], ['d', '4']);
        await engine.deleteRange({ start: text('b'), end: text('d') });
        expect(keysOf(await engine.scan({ start: text('a') }))).toEqual(['a', 'd']);
        await engine.deleteRange({ start: text('b') });
        expect(keysOf(await engine.scan({ start: text('a') }))).toEqual(['a']);
      }));

    test('refuses everything once it is closed', () =>
      withEngine(async (engine) => {
        await put(engine, ['a', '1']);
        const snapshot = engine.snapshot();
        const batch = engine.batch();
        batch.put(text('b'), text('1'));
        await engine.close();
        await engine.close();
        const closed = { code: 'engineClosed' };
        expect(() => engine.getSync(text('a'))).toThrow(expect.objectContaining(closed));
        await expect(engine.get(text('a'))).rejects.toMatchObject(closed);
        await expect(engine.scan({ start: text('a') })).rejects.toMatchObject(closed);
        await expect(collect(engine.iterate({ start: text('a') }))).rejects.toMatchObject(closed);
        await expect(engine.write(batch, { sync: true })).rejects.toMatchObject(closed);
        await expect(engine.approximateSize({ start: text('a') })).rejects.toMatchObject(closed);
        await expect(engine.deleteRange({ start: text('a') })).rejects.toMatchObject(closed);
        expect(() => engine.snapshot()).toThrow(expect.objectContaining(closed));
        await expect(snapshot.get(text('a'))).rejects.toBeInstanceOf(Error);
      }));

    test('agrees with a model over any history, at its end and in every snapshot', async () => {
      await fc.assert(
        fc.asyncProperty(
          fc.array(steps, { maxLength: 12 }),
          fc.array(scans, { minLength: 1, maxLength: 4 }),
          (history, wanted) =>
            withEngine(async (engine) => {
              const model = new Model();
              const snapshots: { reader: EngineReader & { close(): Promise<void> }; model: Model }[] = [];
              for (const step of history) {
                if (step.type === 'snapshot') {
                  const frozen = new Model();
                  for (const [key, value] of model.pairs) frozen.pairs.set(key, value);
                  snapshots.push({ reader: engine.snapshot(), model: frozen });
                } else await runStep(engine, model, step);
              }
              for (const scan of wanted) {
                await expectSame(engine, model, scan);
                for (const snapshot of snapshots) await expectSame(snapshot.reader, snapshot.model, scan);
              }
              for (const snapshot of snapshots) await snapshot.reader.close();
            }),
        ),
        { numRuns: 60 },
      );
    });
  });
}
