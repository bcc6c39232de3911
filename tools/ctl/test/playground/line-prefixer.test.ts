import { expect, test } from 'vitest';
import { LinePrefixer } from '../../src/playground/line-prefixer.ts';

function written(...chunks: readonly Buffer[]): string[] {
  const texts: string[] = [];
  const prefixer = new LinePrefixer('node │ ', (text) => texts.push(text));
  for (const chunk of chunks) prefixer.push(chunk);
  prefixer.end();
  return texts;
}

test('prefixes each line, in one write for what came together', () => {
  expect(written(Buffer.from('one\ntwo\nth'), Buffer.from('ree\n'))).toEqual([
    'node │ one\nnode │ two\n',
    'node │ three\n',
  ]);
});

test('keeps a character whole that was cut in two', () => {
  const bytes = Buffer.from('é\n');
  expect(written(bytes.subarray(0, 1), bytes.subarray(1))).toEqual(['node │ é\n']);
});

test('shows a last line without line end', () => {
  expect(written(Buffer.from('the end'))).toEqual(['node │ the end\n']);
});

test('does not gather a line without end', () => {
  expect(written(Buffer.alloc(70_000, 'x'), Buffer.from('y'))).toHaveLength(2);
});
