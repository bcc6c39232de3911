import { expect, test } from 'vitest';
import { detectFormat, type LoadFormat, parseRecordLine } from '../../src/load/record-line.ts';
import type { TextEncoding } from '../../src/text-encoding.ts';

const limits = { maxKeyBytes: 8, maxValueBytes: 10 };

function parse(line: string | Buffer, format: LoadFormat = 'ndjson', encoding: TextEncoding = 'utf8'): string {
  const parsed = parseRecordLine(Buffer.from(line as Buffer), format, encoding, limits);
  if (parsed.type === 'malformed') return `malformed: ${parsed.reason}`;
  if (parsed.type === 'blank') return 'blank';
  return `${Buffer.from(parsed.key).toString('latin1')}=${Buffer.from(parsed.value).toString('latin1')}`;
}

test.each([
  ['{"key":"a","value":"b"}', 'a=b'],
  ['  {"value":"","key":"a"}  ', 'a='],
  ['{"key":"YQ==","value":"/w==","encoding":"base64"}', 'a=\xff'],
  ['   ', 'blank'],
  ['', 'blank'],
  ['{"key":"a","value":"b"', 'malformed: not valid JSON'],
  ['["a","b"]', 'malformed: expected an object with "key" and "value", got an array'],
  ['null', 'malformed: expected an object with "key" and "value", got null'],
  ['{"key":"a"}', 'malformed: "value" must be a string, got nothing'],
  ['{"key":"a","value":7}', 'malformed: "value" must be a string, got a number'],
  ['{"key":"a","value":"b","ttl":7}', 'malformed: unknown field "ttl"'],
  ['{"key":"a","value":"b","encoding":"latin1"}', 'malformed: "encoding" must be "utf8", "hex" or "base64"'],
  ['{"key":"\\ud800","value":"b"}', 'malformed: "key" is not well-formed Unicode'],
  ['{"key":"","value":"b"}', 'malformed: key is empty'],
  ['{"key":"ninebytes","value":"b"}', 'malformed: key has 9 bytes; the limit is 8'],
  ['{"key":"a","value":"ééééé!"}', 'malformed: value has 11 bytes; the limit is 10'],
])('reads the NDJSON line %s', (line, expected) => {
  expect(parse(line)).toBe(expected);
});

test('refuses NDJSON that is not UTF-8', () => {
  expect(parse(Buffer.from([0x22, 0xff, 0x22]))).toBe('malformed: not valid UTF-8');
});

test.each([
  ['a\tb', 'a=b'],
  ['a\t', 'a='],
  ['a\\tb\tc\\n\\\\', 'a\tb=c\n\\'],
  ['a', 'malformed: expected two columns separated by a tab, got one'],
  ['a\tb\tc', 'malformed: expected two columns separated by a tab, got more (write a tab inside a value as \\t)'],
  ['a\t\\x', 'malformed: a backslash must be followed by t, n, r or another backslash'],
  ['a\tb\\', 'malformed: a backslash must be followed by t, n, r or another backslash'],
  ['\tb', 'malformed: key is empty'],
])('reads the TSV line %j', (line, expected) => {
  expect(parse(line, 'tsv')).toBe(expected);
});

test('reads encoded columns', () => {
  expect(parse('61\tFF', 'tsv', 'hex')).toBe('a=\xff');
  expect(parse('6\tff', 'tsv', 'hex')).toBe('malformed: "key" is not an even number of hexadecimal digits');
  expect(parse('YQ==\tYQ', 'tsv', 'base64')).toBe('malformed: "value" is not padded base64');
});

test.each([
  ['words.ndjson', 'a\tb', 'ndjson'],
  ['words.JSONL', '', 'ndjson'],
  ['words.tsv', '{', 'tsv'],
  ['words', ' \n{"key"', 'ndjson'],
  ['words', '\u{feff}{"key"', 'ndjson'],
  ['words.txt', 'a\tb', 'tsv'],
])('takes %s beginning with %j for %s', (name, firstBytes, expected) => {
  expect(detectFormat(name, Buffer.from(firstBytes))).toBe(expected);
});
