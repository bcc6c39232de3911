import { expect, test } from 'vitest';
import type { InputLine } from '../../src/load/line-reader.ts';
import { Loader, type LoadPlan, type WriteOutcome } from '../../src/load/loader.ts';
import { parseRecordLine } from '../../src/load/record-line.ts';
import { freshStart } from '../../src/load/resume-point.ts';

/** A loader over TSV lines, whose writes the test ends one by one. */
class LoaderBench {
  readonly open = new Map<string, (outcome: WriteOutcome) => void>();
  readonly begun: string[] = [];
  readonly skipped: string[] = [];
  readonly interrupt = new AbortController();
  readonly loader: Loader;

  constructor(lines: readonly string[], plan: Partial<LoadPlan> = {}) {
    this.loader = new Loader({
      lines: toLines(lines),
      start: freshStart,
      parse: (line) => parseRecordLine(line, 'tsv', 'utf8', { maxKeyBytes: 10, maxValueBytes: 10 }),
      write: (key, value) =>
        new Promise((resolve) => {
          const name = `${Buffer.from(key)}=${Buffer.from(value)}`;
          this.begun.push(name);
          this.open.set(name, resolve);
        }),
      concurrency: 4,
      maxBytesUnderWay: 1_000,
      maxLinesAhead: 100,
      maxLineBytes: 100,
      skipBad: false,
      onSkipped: (line, reason) => this.skipped.push(`${line}: ${reason}`),
      interrupt: this.interrupt.signal,
      ...plan,
    });
  }

  end(name: string, outcome: WriteOutcome = { type: 'written' }): void {
    this.open.get(name)?.(outcome);
    this.open.delete(name);
  }
}

async function* toLines(texts: readonly string[]): AsyncGenerator<InputLine> {
  let endOffset = 0;
  for (const [position, text] of texts.entries()) {
    const bytes = Buffer.from(text);
    endOffset += bytes.length + 1;
    yield { number: position + 1, endOffset, bytes };
  }
}

/** Lets everything run that waits for nothing but promises. */
async function settle(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
}

test('writes up to the allowed number of records at once', async () => {
  const bench = new LoaderBench(['a\t1', 'b\t2', 'c\t3', 'd\t4', 'e\t5', 'f\t6']);
  const running = bench.loader.run();
  await settle();
  expect(bench.begun).toEqual(['a=1', 'b=2', 'c=3', 'd=4']);
  bench.end('c=3');
  await settle();
  expect(bench.begun).toEqual(['a=1', 'b=2', 'c=3', 'd=4', 'e=5']);
  expect(bench.loader.records).toBe(1);
  expect(bench.loader.prefix.line).toBe(0);
  for (const name of ['a=1', 'b=2', 'd=4', 'e=5']) bench.end(name);
  await settle();
  bench.end('f=6');
  expect(await running).toEqual({ type: 'complete' });
  expect(bench.loader.prefix).toEqual({ line: 6, offset: 24, records: 6, skipped: 0 });
});

test('writes up to the allowed number of bytes at once, and a larger record alone', async () => {
  const bench = new LoaderBench(['a\t12', 'b\t1', 'c\t123456789', 'd\t1'], { maxBytesUnderWay: 5 });
  const running = bench.loader.run();
  await settle();
  expect(bench.begun).toEqual(['a=12', 'b=1']);
  bench.end('a=12');
  await settle();
  expect(bench.begun).toEqual(['a=12', 'b=1']);
  bench.end('b=1');
  await settle();
  expect(bench.begun).toEqual(['a=12', 'b=1', 'c=123456789']);
  bench.end('c=123456789');
  await settle();
  bench.end('d=1');
  expect(await running).toEqual({ type: 'complete' });
});

test('writes records of one key in the order of the input', async () => {
  const bench = new LoaderBench(['a\told', 'a\tnew', 'b\t1']);
  const running = bench.loader.run();
  await settle();
  expect(bench.begun).toEqual(['a=old']);
  bench.end('a=old');
  await settle();
  expect(bench.begun).toEqual(['a=old', 'a=new', 'b=1']);
  bench.end('a=new');
  bench.end('b=1');
  expect(await running).toEqual({ type: 'complete' });
});

test('begins nothing behind a malformed line and waits for what came before it', async () => {
  const bench = new LoaderBench(['a\t1', 'broken', 'c\t3']);
  const running = bench.loader.run();
  await settle();
  expect(bench.begun).toEqual(['a=1']);
  bench.end('a=1');
  expect(await running).toMatchObject({ type: 'malformed', line: 2 });
  expect(bench.loader.prefix).toMatchObject({ line: 1, records: 1 });
});

test('goes on past lines that are no records when told to, and counts them', async () => {
  const bench = new LoaderBench(['broken', '', 'c\t3', 'd\t4'], { skipBad: true });
  const running = bench.loader.run();
  await settle();
  bench.end('c=3', { type: 'refused', reason: 'the server says no' });
  bench.end('d=4');
  expect(await running).toEqual({ type: 'complete' });
  expect(bench.skipped).toEqual(['1: expected two columns separated by a tab, got one', '3: the server says no']);
  expect(bench.loader.prefix).toEqual({ line: 4, offset: 16, records: 1, skipped: 2 });
});

test('waits for what is being written when it is interrupted', async () => {
  const bench = new LoaderBench(['a\t1', 'b\t2', 'c\t3'], { concurrency: 2 });
  const running = bench.loader.run();
  await settle();
  bench.interrupt.abort();
  await settle();
  bench.end('a=1');
  bench.end('b=2', { type: 'gaveUp', cause: new Error('interrupted') });
  expect(await running).toEqual({ type: 'interrupted' });
  expect(bench.begun).toEqual(['a=1', 'b=2']);
  expect(bench.loader.prefix.line).toBe(1);
});

test('can be interrupted while the input has nothing to give', async () => {
  const lines: AsyncIterator<InputLine> = { next: () => new Promise(() => {}) };
  const bench = new LoaderBench([], { lines });
  const running = bench.loader.run();
  await settle();
  bench.interrupt.abort();
  expect(await running).toEqual({ type: 'interrupted' });
});

test('stops when a record cannot be written, with the line at fault', async () => {
  const bench = new LoaderBench(['a\t1', 'b\t2', 'c\t3'], { concurrency: 2 });
  const running = bench.loader.run();
  await settle();
  const cause = new Error('no leader');
  bench.end('b=2', { type: 'gaveUp', cause });
  bench.end('a=1');
  expect(await running).toEqual({ type: 'gaveUp', line: 2, cause });
  expect(bench.loader.prefix.line).toBe(1);
});

test('does not run far ahead of a record that is not acknowledged', async () => {
  const bench = new LoaderBench(['a\t1', 'b\t2', 'c\t3', 'd\t4'], { maxLinesAhead: 2 });
  const running = bench.loader.run();
  await settle();
  bench.end('b=2');
  await settle();
  expect(bench.begun).toEqual(['a=1', 'b=2']);
  bench.end('a=1');
  await settle();
  expect(bench.begun).toEqual(['a=1', 'b=2', 'c=3', 'd=4']);
  bench.end('c=3');
  bench.end('d=4');
  expect(await running).toEqual({ type: 'complete' });
});

test('reports a line that is too long like any malformed one', async () => {
  const lines = (async function* () {
    yield { number: 1, endOffset: 900, bytes: undefined };
  })();
  const bench = new LoaderBench([], { lines });
  expect(await bench.loader.run()).toEqual({
    type: 'malformed',
    line: 1,
    reason: 'the line is longer than 100 bytes',
  });
});
