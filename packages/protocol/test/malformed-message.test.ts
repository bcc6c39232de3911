import { describe, expect, test } from 'vitest';
import { coprocessor, eraftpb, kvrpcpb, metapb, schedulerpb } from '../src/index.ts';

const malformed = (message: RegExp) =>
  expect.objectContaining({ name: 'WireError', code: 'malformedMessage', message: expect.stringMatching(message) });

describe('malformed bytes', () => {
  test.each([
    ['a tag without a value', [8], /cut short/],
    ['a varint that does not end', [8, 0x80, 0x80], /cut short/],
    ['a varint of eleven bytes', [8, ...Array(10).fill(0x80), 1], /longer than ten bytes/],
    ['2^53', [8, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x10], /larger than 2\^53 - 1/],
    ['2^64 - 1', [8, ...Array(9).fill(0xff), 1], /larger than 2\^53 - 1/],
    ['bytes that run past the end', [18, 5, 1, 2], /metapb.Region: /],
    ['a nested message that runs past the end', [34, 9, 8, 1], /metapb.Region: /],
    ['a field that runs past its nested message', [34, 1, 8, 1], /past the end of metapb.RegionEpoch/],
    ['field number 0', [0, 1], /field number 0/],
    ['an end of a group that never began', [0x0c], /wire type 4/],
    ['wire type 7', [0x0f], /wire type 7/],
    ['a group without an end', [0x0b, 8, 1], /metapb.Region: /],
    ['a group that ends as another', [0x0b, 0x14], /end group/],
    ['a tag of more than 32 bits', [0xff, 0xff, 0xff, 0xff, 0x7f], /invalid tag/],
    ['a length of 2^32', [18, 0x80, 0x80, 0x80, 0x80, 0x10], /invalid length/],
  ])('%s', (_what, bytes, message) => {
    expect(() => metapb.Region.decode(Uint8Array.from(bytes))).toThrow(malformed(message));
    expect(() => metapb.Region.decode(Buffer.from(bytes))).toThrow(malformed(message));
  });

  test('2^53 - 1 is the largest number', () => {
    const largest = metapb.Region.decode(Uint8Array.of(8, ...Array(7).fill(0xff), 0x0f));
    expect(largest.id).toBe(Number.MAX_SAFE_INTEGER);
    expect(metapb.Region.decode(metapb.Region.encode(largest))).toEqual(largest);
  });

  test('groups within groups are skipped to a bounded depth', () => {
    const nested = (depth: number): Uint8Array =>
      Uint8Array.from([...Array(depth).fill(0x7b), ...Array(depth).fill(0x7c)]);
    expect(metapb.Region.decode(nested(50))).toEqual(metapb.Region.create());
    expect(() => metapb.Region.decode(nested(100_000))).toThrow(malformed(/depth/));
  });

  test('packed numbers that run past the end of their field', () => {
    expect(() => eraftpb.ConfState.decode(Uint8Array.of(10, 1, 0x80, 0x01))).toThrow(malformed(/packed/));
    expect(() => eraftpb.ConfState.decode(Uint8Array.of(10, 9, 1))).toThrow(malformed(/cut short|range/));
  });

  test('the error keeps its cause', () => {
    try {
      metapb.Region.decode(Uint8Array.of(18, 5, 1, 2));
      expect.unreachable();
    } catch (error) {
      expect(error).toMatchObject({ cause: expect.any(RangeError) });
    }
  });
});

describe('what other implementations may write', () => {
  test('repeated numbers packed, one by one, and both', () => {
    const nodes = (bytes: number[]): readonly number[] => eraftpb.ConfState.decode(Uint8Array.from(bytes)).nodes;
    expect(nodes([10, 3, 1, 0xac, 0x02])).toEqual([1, 300]);
    expect(nodes([8, 1, 8, 0xac, 0x02])).toEqual([1, 300]);
    expect(nodes([8, 1, 10, 2, 2, 3, 8, 4])).toEqual([1, 2, 3, 4]);
    expect(nodes([10, 0])).toEqual([]);
  });

  test('of a single field that comes twice the last one counts, in any order of fields', () => {
    expect(metapb.Peer.decode(Uint8Array.of(16, 9, 8, 1, 8, 2))).toEqual(metapb.Peer.create({ id: 2, storeId: 9 }));
  });

  test('numbers longer than they need to be', () => {
    expect(metapb.Peer.decode(Uint8Array.of(8, 0x81, 0x80, 0x00)).id).toBe(1);
  });

  test('a known field of another wire type is skipped as an unknown one', () => {
    expect(metapb.Peer.decode(Uint8Array.of(10, 2, 1, 2, 16, 3))).toEqual(metapb.Peer.create({ storeId: 3 }));
  });

  test('a number of an enum that is not known here is kept', () => {
    const peer = metapb.Peer.decode(Uint8Array.of(0xa0, 0x06, 42));
    expect(peer.role).toBe(42);
    expect([...metapb.Peer.encode(peer)]).toEqual([0xa0, 0x06, 42]);
  });
});

describe('numbers', () => {
  test('negative 64-bit numbers take ten bytes', () => {
    const bytes = schedulerpb.Timestamp.encode({ physical: -1, logical: Number.MIN_SAFE_INTEGER });
    expect([...bytes.subarray(0, 11)]).toEqual([8, ...Array(9).fill(0xff), 1]);
    expect(schedulerpb.Timestamp.decode(bytes)).toEqual({ physical: -1, logical: Number.MIN_SAFE_INTEGER });
  });

  test('a negative number below the safe ones is refused', () => {
    const bytes = Uint8Array.of(8, ...Array(9).fill(0x80), 1);
    expect(() => schedulerpb.Timestamp.decode(bytes)).toThrow(malformed(/not a safe integer/));
  });

  test('timestamps and versions are bigints up to 2^64 - 1', () => {
    const message = kvrpcpb.CommitRequest.create({ startVersion: 2n ** 64n - 1n, commitVersion: 2n ** 53n + 1n });
    expect(kvrpcpb.CommitRequest.decode(kvrpcpb.CommitRequest.encode(message))).toEqual(message);
    expect(coprocessor.Request.create().startTs).toBe(0n);
  });

  test.each([-1, 1.5, Number.NaN, 2 ** 53, Number.POSITIVE_INFINITY])(
    '%d is not written as an unsigned number',
    (id) => {
      expect(() => metapb.Peer.encode(metapb.Peer.create({ id }))).toThrow(malformed(/safe integer/));
    },
  );

  test.each([-1, 1.5, 2 ** 32])('%d is not written as a 32-bit number', (limit) => {
    expect(() => kvrpcpb.ScanRequest.encode(kvrpcpb.ScanRequest.create({ limit }))).toThrow(malformed(/32-bit/));
  });

  test.each([-1n, 2n ** 64n])('%d is not written as an unsigned 64-bit number', (version) => {
    expect(() => kvrpcpb.ScanRequest.encode(kvrpcpb.ScanRequest.create({ version }))).toThrow(malformed(/64-bit/));
  });
});
