import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compareBytes, prefixEnd } from '../src/byte-order.ts';
import type { KeyRange } from '../src/engine.ts';
import * as layout from '../src/key-layout.ts';

const hex = (bytes: Uint8Array | undefined): string => Buffer.from(bytes ?? []).toString('hex');
const hexRange = (range: KeyRange): string[] => [hex(range.start), hex(range.end)];
const isInside = (key: Uint8Array, range: KeyRange): boolean =>
  compareBytes(key, range.start) >= 0 && compareBytes(key, range.end ?? new Uint8Array(0)) < 0;

describe('bytes', () => {
  test.each([
    ['database mark', layout.databaseMarkKey, '0100'],
    ['prepare bootstrap', layout.prepareBootstrapKey, '0101'],
    ['store ident', layout.storeIdentKey, '0102'],
    ['log entry', layout.logEntryKey(2, 5), '0102000000000000000201' + '0000000000000005'],
    [
      'large log entry',
      layout.logEntryKey(0x1_0203_0405, 2 ** 53 - 1),
      '0102' + '0000000102030405' + '01' + '001fffffffffffff',
    ],
    ['raft state', layout.raftStateKey(258), '0102' + '0000000000000102' + '02'],
    ['apply state', layout.applyStateKey(1), '0102' + '0000000000000001' + '03'],
    ['region state', layout.regionStateKey(2 ** 32), '0103' + '0000000100000000' + '01'],
    ['data of default', layout.dataKey('default', Buffer.from('k')), Buffer.from('default_k').toString('hex')],
    ['data of write', layout.dataKey('write', Buffer.from('k')), Buffer.from('write_k').toString('hex')],
    ['data of lock', layout.dataKey('lock', new Uint8Array(0)), Buffer.from('lock_').toString('hex')],
  ])('%s', (_what, key, expected) => {
    expect(hex(key)).toBe(expected);
  });

  test.each([
    [
      'log entries',
      layout.logEntryRange(1, 2, 3),
      ['0102000000000000000101' + '0000000000000002', '0102000000000000000101' + '0000000000000003'],
    ],
    [
      'log entries without an end',
      layout.logEntryRange(1, 2),
      ['0102000000000000000101' + '0000000000000002', '0102000000000000000102'],
    ],
    ['raft keys of a region', layout.regionRaftRange(1), ['01020000000000000001', '01020000000000000002']],
    ['raft keys of region 255', layout.regionRaftRange(255), ['010200000000000000ff', '010200000000000001']],
    ['raft keys of all regions', layout.allRegionRaftRange, ['010200', '0103']],
    ['region states', layout.allRegionStateRange, ['0103', '0104']],
    [
      'data',
      layout.dataRange('default', Buffer.from('a'), Buffer.from('b')),
      [hex(Buffer.from('default_a')), hex(Buffer.from('default_b'))],
    ],
    [
      'data up to the last key',
      layout.dataRange('default', Buffer.from('a'), new Uint8Array(0)),
      [hex(Buffer.from('default_a')), hex(Buffer.from('default`'))],
    ],
    [
      'all data of a family',
      layout.dataRange('write', new Uint8Array(0), new Uint8Array(0)),
      [hex(Buffer.from('write_')), hex(Buffer.from('write`'))],
    ],
  ])('range of %s', (_what, range, expected) => {
    expect(hexRange(range)).toEqual(expected);
  });

  test.each([-1, 1.5, 2 ** 53, Number.NaN])('%d is no region id and no index', (value) => {
    expect(() => layout.raftStateKey(value)).toThrow(expect.objectContaining({ code: 'invariantViolated' }));
    expect(() => layout.logEntryKey(1, value)).toThrow(expect.objectContaining({ code: 'invariantViolated' }));
  });
});

describe('order', () => {
  const ids = fc.oneof(fc.maxSafeNat(), fc.nat(300));

  test('keys are ordered as their numbers are', () => {
    fc.assert(
      fc.property(ids, ids, ids, (regionId, low, high) => {
        const order = compareBytes(layout.logEntryKey(regionId, low), layout.logEntryKey(regionId, high));
        expect(Math.sign(order)).toBe(Math.sign(low - high));
        expect(Math.sign(compareBytes(layout.raftStateKey(low), layout.raftStateKey(high)))).toBe(
          Math.sign(low - high),
        );
      }),
    );
  });

  test("a region's range holds its own raft keys and no other region's", () => {
    fc.assert(
      fc.property(ids, ids, ids, (regionId, other, index) => {
        const range = layout.regionRaftRange(regionId);
        for (const id of [regionId, other]) {
          const keys = [layout.logEntryKey(id, index), layout.raftStateKey(id), layout.applyStateKey(id)];
          for (const key of keys) expect(isInside(key, range)).toBe(id === regionId);
          for (const key of keys) expect(isInside(key, layout.allRegionRaftRange)).toBe(true);
          expect(isInside(layout.regionStateKey(id), range)).toBe(false);
        }
      }),
    );
  });

  test('keys of the store are in no range of regions, and data keys in none of local keys', () => {
    const local = { start: Uint8Array.of(1), end: Uint8Array.of(2) };
    for (const key of [layout.databaseMarkKey, layout.prepareBootstrapKey, layout.storeIdentKey]) {
      expect(isInside(key, layout.allRegionRaftRange)).toBe(false);
      expect(isInside(key, layout.allRegionStateRange)).toBe(false);
    }
    for (const family of layout.columnFamilies) {
      expect(isInside(layout.dataKey(family, new Uint8Array(0)), local)).toBe(false);
    }
  });

  test('the data range of a family holds every key of it and no key of another', () => {
    const all = (family: layout.ColumnFamily) => layout.dataRange(family, new Uint8Array(0), new Uint8Array(0));
    fc.assert(
      fc.property(fc.uint8Array(), (key) => {
        for (const family of layout.columnFamilies) {
          for (const other of layout.columnFamilies) {
            expect(isInside(layout.dataKey(other, key), all(family))).toBe(family === other);
          }
        }
      }),
    );
  });
});

describe('parsing', () => {
  test('gives back what the key was made of', () => {
    fc.assert(
      fc.property(fc.maxSafeNat(), fc.maxSafeNat(), (regionId, index) => {
        expect(layout.parseRegionKey(layout.logEntryKey(regionId, index))).toEqual({
          type: 'logEntry',
          regionId,
          index,
        });
        expect(layout.parseRegionKey(layout.raftStateKey(regionId))).toEqual({ type: 'raftState', regionId });
        expect(layout.parseRegionKey(layout.applyStateKey(regionId))).toEqual({ type: 'applyState', regionId });
        expect(layout.parseRegionKey(layout.regionStateKey(regionId))).toEqual({ type: 'regionState', regionId });
      }),
    );
  });

  test.each([
    '',
    '0100',
    '0102',
    '01020000000000000001',
    '0102000000000000000104',
    '0102000000000000000101',
    '010200000000000000010100000000000000',
    '0102000000000000000102' + '0000000000000005',
    '0103000000000000000102',
    '0104000000000000000101',
    '0202000000000000000102',
    '0102' + '0020000000000000' + '02',
  ])('%s is no key of a region', (key) => {
    expect(layout.parseRegionKey(Buffer.from(key, 'hex'))).toBeUndefined();
  });

  test('a data key gives back the key of the user', () => {
    fc.assert(
      fc.property(fc.constantFrom(...layout.columnFamilies), fc.uint8Array(), (family, key) => {
        expect(hex(layout.userKey(family, layout.dataKey(family, key)))).toBe(hex(key));
      }),
    );
    expect(layout.isColumnFamily('lock')).toBe(true);
    expect(layout.isColumnFamily('')).toBe(false);
  });
});

test('the end of a prefix is the first key after it', () => {
  expect(hex(prefixEnd(Uint8Array.of(1, 2)))).toBe('0103');
  expect(hex(prefixEnd(Uint8Array.of(1, 0xff, 0xff)))).toBe('02');
  expect(hex(prefixEnd(Uint8Array.of(0xff)))).toBe('');
  expect(hex(prefixEnd(new Uint8Array(0)))).toBe('');
});
