import { eraftpb, raft_serverpb } from '@flotilla/protocol';
import { describe, expect, test } from 'vitest';
import { logEntryKey, raftStateKey } from '../src/key-layout.ts';
import { MemoryEngine } from '../src/memory-engine.ts';
import { RaftLogStore } from '../src/raft-log-store.ts';

const payload = (text: string): Uint8Array => new TextEncoder().encode(text);
const textOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString();
const stateAt = (lastIndex: number): raft_serverpb.RaftLocalState =>
  raft_serverpb.RaftLocalState.create({
    hardState: eraftpb.HardState.create({ term: 6, vote: 2, commit: 5 }),
    lastIndex,
    lastTerm: 6,
  });

/** A store whose region 7 has entries 6 to 10 and region 8 has entry 6. */
async function storeWithLog(): Promise<RaftLogStore> {
  const store = new RaftLogStore(new MemoryEngine());
  const batch = store.engine.batch();
  store.appendEntries(batch, 7, 6, ['six', 'seven', 'eight', 'nine', 'ten'].map(payload), 5);
  store.putState(batch, 7, stateAt(10));
  store.appendEntries(batch, 8, 6, [payload('other')], 5);
  store.putState(batch, 8, stateAt(6));
  await store.engine.write(batch, { sync: true });
  return store;
}

async function overwrite(store: RaftLogStore, key: Uint8Array, value: Uint8Array | undefined): Promise<void> {
  const batch = store.engine.batch();
  if (value === undefined) batch.delete(key);
  else batch.put(key, value);
  await store.engine.write(batch, { sync: true });
}

const recordOf = (store: RaftLogStore, key: Uint8Array): Uint8Array => Uint8Array.from(store.engine.getSync(key) ?? []);

describe('reading', () => {
  test('gives back what was appended, and the state', async () => {
    const store = await storeWithLog();
    expect(store.entriesSync(7, 6, 11, 1000).map(textOf)).toEqual(['six', 'seven', 'eight', 'nine', 'ten']);
    expect(textOf(store.entrySync(8, 6))).toBe('other');
    expect(store.stateSync(7)).toEqual(stateAt(10));
    expect(store.stateSync(9)).toBeUndefined();
  });

  test.each([
    [0, ['six']],
    [3, ['six']],
    [7, ['six']],
    [8, ['six', 'seven']],
    [12, ['six', 'seven']],
    [13, ['six', 'seven', 'eight']],
  ])('with at most %i bytes', async (maxBytes, expected) => {
    const store = await storeWithLog();
    expect(store.entriesSync(7, 6, 11, maxBytes).map(textOf)).toEqual(expected);
  });

  test('an empty range has no entries', async () => {
    const store = await storeWithLog();
    expect(store.entriesSync(7, 6, 6, 1000)).toEqual([]);
  });
});

describe('writing', () => {
  test('an overwritten tail is gone', async () => {
    const store = await storeWithLog();
    const batch = store.engine.batch();
    store.appendEntries(batch, 7, 7, [payload('SEVEN')], 10);
    store.putState(batch, 7, stateAt(7));
    await store.engine.write(batch, { sync: true });
    expect(store.entriesSync(7, 6, 8, 1000).map(textOf)).toEqual(['six', 'SEVEN']);
    for (const index of [8, 9, 10]) expect(store.engine.getSync(logEntryKey(7, index))).toBeUndefined();
    expect(await store.verifyRegion(7)).toMatchObject({ firstIndex: 6, lastIndex: 7 });
  });

  test('garbage collection deletes below the end it is given, from the first entry there is', async () => {
    const store = await storeWithLog();
    expect(await store.deleteRange(7, 0, 8)).toBe(2);
    expect(await store.deleteRange(7, 0, 8)).toBe(0);
    expect(await store.deleteRange(7, 8, 9)).toBe(1);
    expect(await store.verifyRegion(7)).toMatchObject({ firstIndex: 9, lastIndex: 10 });
    expect(textOf(store.entrySync(8, 6))).toBe('other');
  });

  test('a region is removed whole, its neighbours stay', async () => {
    const store = await storeWithLog();
    const batch = store.engine.batch();
    store.deleteRegion(batch, 7, 6, 10);
    await store.engine.write(batch, { sync: true });
    expect(store.stateSync(7)).toBeUndefined();
    expect(store.engine.getSync(logEntryKey(7, 6))).toBeUndefined();
    expect(await store.verifyRegion(8)).toMatchObject({ firstIndex: 6, lastIndex: 6 });
    await store.deleteRegionRange(8);
    expect(await store.engine.scan({ start: new Uint8Array(0) })).toEqual([]);
  });
});

describe('a damaged record is refused with its place', () => {
  test('every flipped bit of an entry', async () => {
    const store = await storeWithLog();
    const key = logEntryKey(7, 8);
    const record = recordOf(store, key);
    for (let bit = 0; bit < record.length * 8; bit += 1) {
      const damaged = Uint8Array.from(record);
      damaged[bit >> 3] = (damaged[bit >> 3] as number) ^ (1 << (bit & 7));
      await overwrite(store, key, damaged);
      const error = expect.objectContaining({
        code: 'corruptedRecord',
        damage: expect.objectContaining({ kind: 'entry', regionId: 7, index: 8 }),
      });
      expect(() => store.entrySync(7, 8)).toThrow(error);
      expect(() => store.entriesSync(7, 6, 11, 1000)).toThrow(error);
    }
  });

  test.each([0, 1, 3, 4, 8])('an entry cut to %i bytes', async (length) => {
    const store = await storeWithLog();
    await overwrite(store, logEntryKey(7, 8), recordOf(store, logEntryKey(7, 8)).subarray(0, length));
    expect(() => store.entrySync(7, 8)).toThrow(/corrupted record: log entry 8 of region 7 in memory: expected /);
  });

  test('an intact entry in the place of another one, or of another region', async () => {
    const store = await storeWithLog();
    await overwrite(store, logEntryKey(7, 9), recordOf(store, logEntryKey(7, 8)));
    expect(() => store.entrySync(7, 9)).toThrow(expect.objectContaining({ code: 'corruptedRecord' }));
    await overwrite(store, logEntryKey(7, 6), recordOf(store, logEntryKey(8, 6)));
    expect(() => store.entrySync(7, 6)).toThrow(expect.objectContaining({ code: 'corruptedRecord' }));
  });

  test('a missing entry', async () => {
    const store = await storeWithLog();
    await overwrite(store, logEntryKey(7, 8), undefined);
    expect(() => store.entriesSync(7, 6, 11, 1000)).toThrow('expected a record, found none');
    expect(store.entriesSync(7, 9, 11, 1000).map(textOf)).toEqual(['nine', 'ten']);
  });

  test('a state', async () => {
    const store = await storeWithLog();
    const record = recordOf(store, raftStateKey(7));
    record[5] = (record[5] as number) ^ 1;
    await overwrite(store, raftStateKey(7), record);
    expect(() => store.stateSync(7)).toThrow(
      expect.objectContaining({
        code: 'corruptedRecord',
        damage: expect.objectContaining({ kind: 'raftState', regionId: 7, index: undefined }),
      }),
    );
    expect(store.stateSync(8)).toEqual(stateAt(6));
  });
});

describe('verifying a region', () => {
  test('accepts a whole log, also one whose beginning is given', async () => {
    const store = await storeWithLog();
    expect(await store.verifyRegion(7)).toEqual({ state: stateAt(10), firstIndex: 6, lastIndex: 10 });
    expect(await store.verifyRegion(7, 8)).toEqual({ state: stateAt(10), firstIndex: 8, lastIndex: 10 });
    expect(await store.verifyRegion(7, 11)).toEqual({ state: stateAt(10), firstIndex: 11, lastIndex: 10 });
    expect(await store.verifyRegion(9)).toEqual({ state: undefined, firstIndex: 1, lastIndex: 0 });
    expect(await store.verifyRegion(9, 1)).toEqual({ state: undefined, firstIndex: 1, lastIndex: 0 });
  });

  test.each([6, 8, 10])('refuses a log that lacks entry %i', async (index) => {
    const store = await storeWithLog();
    await overwrite(store, logEntryKey(7, index), undefined);
    await expect(store.verifyRegion(7, 6)).rejects.toMatchObject({
      code: 'corruptedRecord',
      damage: { kind: 'entry', regionId: 7, index },
    });
  });

  test('refuses a log that goes on beyond its state, and one without a state', async () => {
    const store = await storeWithLog();
    const batch = store.engine.batch();
    store.putState(batch, 7, stateAt(9));
    batch.delete(raftStateKey(8));
    await store.engine.write(batch, { sync: true });
    await expect(store.verifyRegion(7)).rejects.toMatchObject({ code: 'corruptedRecord' });
    await expect(store.verifyRegion(8)).rejects.toMatchObject({ code: 'corruptedRecord' });
  });

  test('refuses a damaged entry', async () => {
    const store = await storeWithLog();
    await overwrite(store, logEntryKey(7, 7), recordOf(store, logEntryKey(7, 7)).fill(0, 6));
    await expect(store.verifyRegion(7)).rejects.toMatchObject({ damage: { regionId: 7, index: 7 } });
  });
});
