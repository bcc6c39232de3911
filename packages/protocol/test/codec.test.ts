import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { metapb } from '../src/index.ts';
import { messageOf, reflectedMessages, toReflected } from './reflected-message.ts';

const plain = (bytes: Uint8Array): Uint8Array => Uint8Array.from(bytes);

/** Values with Buffers turned into plain arrays, which compare by content. */
function normalized(value: unknown): unknown {
  if (value instanceof Uint8Array) return plain(value);
  if (Array.isArray(value)) return value.map(normalized);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, normalized(item)]));
}

describe.each(reflectedMessages)('$name', ({ type, codec }) => {
  test('writes the bytes that reflection writes, and reads them back', () => {
    fc.assert(
      fc.property(messageOf(type), (message) => {
        const expected = plain(type.encode(toReflected(type, message)).finish());
        expect(plain(codec.encode(message))).toEqual(expected);
        expect(normalized(codec.decode(expected))).toEqual(normalized(message));
        expect(normalized(codec.decode(Buffer.from(expected)))).toEqual(normalized(message));
      }),
      { numRuns: 40 },
    );
  });

  test('an empty message has every field at its default', () => {
    expect(normalized(codec.decode(new Uint8Array(0)))).toEqual(normalized(codec.create()));
    expect(Object.keys(codec.create()).sort()).toEqual(type.fieldsArray.map((field) => field.name).sort());
    expect(codec.encode(codec.create()).length).toBe(0);
  });

  test('skips fields it does not know', () => {
    const unknown = Uint8Array.of(
      0xf8,
      0x3f,
      1,
      0xfa,
      0x3f,
      2,
      7,
      7,
      0xf9,
      0x3f,
      1,
      2,
      3,
      4,
      5,
      6,
      7,
      8,
      0xfd,
      0x3f,
      1,
      2,
      3,
      4,
    );
    expect(codec.decode(unknown)).toEqual(codec.decode(new Uint8Array(0)));
  });

  test('cut short or altered anywhere it is a message or a WireError, never anything else', () => {
    fc.assert(
      fc.property(messageOf(type), fc.nat(), fc.nat(255), (message, place, byte) => {
        const bytes = plain(codec.encode(message));
        const altered = Uint8Array.from(bytes);
        if (altered.length > 0) altered[place % altered.length] = byte;
        for (const damaged of [bytes.subarray(0, place % (bytes.length + 1)), altered]) {
          try {
            codec.decode(damaged);
          } catch (error) {
            expect(error).toMatchObject({ name: 'WireError', code: 'malformedMessage' });
          }
        }
      }),
      { numRuns: 40 },
    );
  });
});

test('a failure to encode leaves nothing behind for the next message', () => {
  const region = metapb.Region.create({ id: 1, peers: [metapb.Peer.create({ id: 2, storeId: -1 })] });
  expect(() => metapb.Region.encode(region)).toThrow(expect.objectContaining({ code: 'malformedMessage' }));
  expect([...metapb.Peer.encode(metapb.Peer.create({ id: 2, storeId: 1 }))]).toEqual([8, 2, 16, 1]);
});

test('a message larger than the kept buffer does not disturb the next one', () => {
  const key = new Uint8Array(3_000_000).fill(7);
  for (const startKey of [key, Uint8Array.of(1), key, Uint8Array.of(2)]) {
    const bytes = metapb.Region.encode(metapb.Region.create({ startKey }));
    expect(Buffer.compare(metapb.Region.decode(bytes).startKey, startKey)).toBe(0);
  }
});
