import fc from 'fast-check';
import { expect, test } from 'vitest';
import { inputStart, readLines } from '../../src/load/line-reader.ts';

async function* chunksOf(bytes: Buffer, sizes: readonly number[]): AsyncGenerator<Uint8Array> {
  let offset = 0;
  for (const size of sizes) {
    yield bytes.subarray(offset, offset + size);
    offset += size;
  }
  yield bytes.subarray(offset);
}

async function linesOf(text: string, sizes: readonly number[] = [], start = inputStart, maxLineBytes = 1_000) {
  const lines: { number: number; endOffset: number; text: string | undefined }[] = [];
  for await (const line of readLines(chunksOf(Buffer.from(text), sizes), start, maxLineBytes)) {
    const { number, endOffset, bytes } = line;
    lines.push({ number, endOffset, text: bytes === undefined ? undefined : Buffer.from(bytes).toString() });
  }
  return lines;
}

test('splits at line ends and keeps the last line without one', async () => {
  expect(await linesOf('one\ntwo\r\n\nfour')).toEqual([
    { number: 1, endOffset: 4, text: 'one' },
    { number: 2, endOffset: 9, text: 'two' },
    { number: 3, endOffset: 10, text: '' },
    { number: 4, endOffset: 14, text: 'four' },
  ]);
});

test('drops a byte order mark at the start of the input only', async () => {
  expect((await linesOf('\u{feff}a\n\u{feff}b\n')).map(({ text }) => text)).toEqual(['a', '\u{feff}b']);
  expect((await linesOf('\u{feff}a\n', [], { line: 4, offset: 90 })).map(({ text }) => text)).toEqual(['\u{feff}a']);
});

test('counts on from where an earlier reading stopped', async () => {
  expect(await linesOf('five\n', [], { line: 4, offset: 20 })).toEqual([{ number: 5, endOffset: 25, text: 'five' }]);
});

test('says that a line is too long, and goes on with the next', async () => {
  const long = 'x'.repeat(50);
  expect(await linesOf(`a\n${long}\nb\n${long}`, [7, 9, 9], inputStart, 20)).toEqual([
    { number: 1, endOffset: 2, text: 'a' },
    { number: 2, endOffset: 53, text: undefined },
    { number: 3, endOffset: 55, text: 'b' },
    { number: 4, endOffset: 105, text: undefined },
  ]);
});

test('finds the same lines however the input is cut into chunks', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.string({ unit: fc.constantFrom('a', 'é', '\n', '\r'), maxLength: 60 }),
      fc.array(fc.nat(9), { maxLength: 12 }),
      async (text, sizes) => {
        expect(await linesOf(text, sizes, inputStart, 8)).toEqual(await linesOf(text, [], inputStart, 8));
      },
    ),
  );
});
