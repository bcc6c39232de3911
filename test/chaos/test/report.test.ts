import { HistoryRecorder, type Operation } from '@flotilla/test-harness';
import { expect, it } from 'vitest';
import { acknowledgements } from '../src/judge/judge-history.ts';
import { reportRun } from '../src/judge/report.ts';
import type { RunRecord } from '../src/judge/run-record.ts';
import { finalProcess } from '../src/workload/process-number.ts';

const clean: RunRecord = {
  seed: 7,
  nodes: 3,
  minutes: 2,
  notices: [],
  windows: [{ label: 'kill-node', fromMs: 5_000, toMs: 9_000 }],
  processViolations: [],
  recoveryViolations: [],
  clientViolations: [],
  regions: 4,
  originMs: 5_000,
  isRead: true,
  replicas: { checker: 'replica hashes', outcome: 'valid', steps: 3 },
  historyPath: 'a-history',
};

/** Records, at a millisecond for each event. */
function history(record: (recorder: HistoryRecorder) => void): Operation[] {
  let nowMs = 0;
  const clock = { monotonicMs: () => nowMs++, wallMs: () => 0 };
  const recorder = new HistoryRecorder(clock);
  record(recorder);
  return recorder.operations();
}

/** A register written and read, a set of one element; in the end everything is read as `value` and `elements` say. */
function endingWith(value: string | null, elements: number[]): Operation[] {
  return history((recorder) => {
    recorder.invoke(1, 'put', 'r', 'a').ok();
    recorder.invoke(1, 'put', 'r', 'b').fail();
    recorder.invoke(2, 'add', 's', 1).ok();
    recorder.invoke(2, 'add', 's', 2).info();
    recorder.invoke(finalProcess, 'get', 'r').ok(value);
    recorder.invoke(finalProcess, 'read', 's').ok(elements);
  });
}

it('passes what is clean, and tells what there was', () => {
  const { passed, failed, lines } = reportRun(clean, endingWith('a', [1, 2]));
  expect({ passed, failed }).toEqual({ passed: 8, failed: 0 });
  expect(lines).toContain('operations   6 checked: 4 ok, 1 failed, 1 unknown');
  expect(lines).toContain('regions      4');
  expect(lines).toContain('history      a-history');
  expect(lines.at(-1)).toBe('8 passed, 0 failed');
});

it('tells the longest time without an acknowledged write', () => {
  const operations = endingWith('a', [1, 2]);
  expect(acknowledgements(operations, 5_000)).toEqual([5_002, 5_006]);
  const line = reportRun(clean, operations).lines.find((each) => each.includes('kill-node'));
  expect(line).toMatch(/^ {2}kill-node +4\.0 s {2}of 1$/);
});

it.each([
  ['a lost write', endingWith(null, [1]), ['register', 'final values']],
  ['a write that was refused and shows', endingWith('b', [1]), ['register', 'final values']],
  ['a lost element', endingWith('a', [2]), ['set']],
  ['an invented element', endingWith('a', [1, 3]), ['set']],
])('convicts %s, with the witness', (_, operations, names) => {
  const { failed, lines } = reportRun(clean, operations);
  expect(lines.filter((line) => line.startsWith('FAIL'))).toEqual(names.map((name) => `FAIL ${name}`));
  expect(failed).toBe(names.length);
  expect(lines.filter((line) => line.includes('process '))).not.toEqual([]);
  expect(lines.at(-1)).toBe(`${8 - names.length} passed, ${names.length} failed`);
});

it.each(['processViolations', 'recoveryViolations', 'clientViolations'] as const)('fails for %s', (which) => {
  const { failed, lines } = reportRun({ ...clean, [which]: ['one\nthing', 'another'] }, endingWith('a', [1]));
  expect(failed).toBe(1);
  expect(lines).toEqual(expect.arrayContaining(['       one', '       thing', '       another']));
});

it('does not judge last reads that were never made', () => {
  const operations = history((recorder) => recorder.invoke(1, 'put', 'r', 'a').ok());
  const { passed, failed, lines } = reportRun({ ...clean, isRead: false, replicas: undefined }, operations);
  expect({ passed, failed }).toEqual({ passed: 6, failed: 0 });
  expect(lines.join()).not.toContain('final values');
});

it('fails when it is not known whether replicas are equal', () => {
  const reason = 'store 2 is away';
  const unknown = { checker: 'replica hashes', outcome: 'undecided', steps: 0, reason } as const;
  const { failed, lines } = reportRun({ ...clean, replicas: unknown }, endingWith('a', [1]));
  expect(failed).toBe(1);
  expect(lines).toContain('       replica hashes: undecided, which fails: store 2 is away');
});

it('fails a run without an acknowledged write, and one without a fault', () => {
  expect(reportRun(clean, []).failed).toBe(1);
  expect(reportRun({ ...clean, windows: [] }, endingWith('a', [1])).failed).toBe(1);
});
