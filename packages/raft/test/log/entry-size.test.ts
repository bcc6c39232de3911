import { eraftpb } from '@flotilla/protocol';
import { assert as check, constantFrom, integer, maxSafeInteger, property, record } from 'fast-check';
import { expect, it } from 'vitest';
import { entrySize } from '../../src/log/entry-size.ts';

const wireTypes = {
  normal: eraftpb.EntryType.EntryNormal,
  confChange: eraftpb.EntryType.EntryConfChange,
  confChangeV2: eraftpb.EntryType.EntryConfChangeV2,
} as const;

it('is the size of the encoding', () => {
  const entries = record({
    type: constantFrom('normal' as const, 'confChange' as const, 'confChangeV2' as const),
    term: maxSafeInteger().filter((term) => term > 0),
    index: maxSafeInteger().filter((index) => index > 0),
    data: integer({ min: 0, max: 20_000 }).map((length) => new Uint8Array(length)),
  });
  check(
    property(entries, (entry) => {
      const { type, ...rest } = entry;
      expect(entrySize(entry)).toBe(eraftpb.Entry.encode({ ...rest, entryType: wireTypes[type] }).length);
    }),
  );
});
