import { expect, test } from 'vitest';
import { jsonDiff } from '../../src/config-center/json-diff.ts';
import { lineDiff } from '../../src/config-center/line-diff.ts';

const shownLines = (before: string, after: string, maxCells?: number): string[] =>
  lineDiff(before, after, maxCells).map(({ type, line }) => ({ same: ' ', removed: '-', added: '+' })[type] + line);

test('equal JSON has no differences, however it was written', () => {
  expect(jsonDiff(JSON.parse('{"a":[1,{"b":null}]}'), JSON.parse('{ "a": [1, {"b": null}] }'))).toEqual([]);
});

test('JSON differs by what was changed, removed and added, each with its pointer', () => {
  const before = { kept: 1, limits: [{ max: 1 }, 'gone'], 'a/b~c': true };
  const after = { kept: 1, limits: [{ max: 2 }], 'a/b~c': false, fresh: {} };
  expect(jsonDiff(before, after)).toEqual([
    { path: '/limits/0/max', type: 'changed', before: 1, after: 2 },
    { path: '/limits/1', type: 'removed', before: 'gone', after: undefined },
    { path: '/a~1b~0c', type: 'changed', before: true, after: false },
    { path: '/fresh', type: 'added', before: undefined, after: {} },
  ]);
});

test('an object that became an array, or null, was changed whole', () => {
  expect(jsonDiff({ a: {} }, { a: [] })).toMatchObject([{ path: '/a', type: 'changed' }]);
  expect(jsonDiff({ a: {} }, { a: null })).toMatchObject([{ path: '/a', type: 'changed' }]);
  expect(jsonDiff(1, 2)).toMatchObject([{ path: '', type: 'changed' }]);
});

test('fields that every object has by birth are told from those in the JSON', () => {
  expect(jsonDiff({}, JSON.parse('{"constructor":1,"__proto__":2}'))).toMatchObject([
    { path: '/constructor', type: 'added', after: 1 },
    { path: '/__proto__', type: 'added', after: 2 },
  ]);
});

test('lines are compared by their longest common part', () => {
  expect(shownLines('a\nb\nc\nd', 'a\nx\nc\ny\nd')).toEqual([' a', '-b', '+x', ' c', '+y', ' d']);
  expect(shownLines('a', 'a')).toEqual([' a']);
  expect(shownLines('a\na', 'a')).toEqual([' a', '-a']);
  expect(shownLines('a\nb', 'b\na')).toEqual(['-a', ' b', '+a']);
});

test('texts too large to compare are replaced whole between common beginning and end', () => {
  expect(shownLines('a\nb\nc\nz', 'a\nc\nb\nz', 8)).toEqual([' a', '-b', '-c', '+c', '+b', ' z']);
});
