import { InvariantError } from '@flotilla/runtime';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { AcknowledgedPrefix } from '../../src/load/acknowledged-prefix.ts';
import { freshStart } from '../../src/load/resume-point.ts';

function line(number: number): { number: number; endOffset: number; bytes: Uint8Array } {
  return { number, endOffset: number * 10, bytes: new Uint8Array(0) };
}

test('moves only over lines that are settled without a gap', () => {
  const prefix = new AcknowledgedPrefix(freshStart);
  const [first, second, third] = [1, 2, 3].map((number) => prefix.begin(line(number)));
  prefix.settle(second!, 'written');
  expect(prefix.state).toEqual(freshStart);
  expect(prefix.ahead).toBe(3);
  prefix.settle(first!, 'skipped');
  expect(prefix.state).toEqual({ line: 2, offset: 20, records: 1, skipped: 1 });
  prefix.settle(third!, 'blank');
  expect(prefix.state).toEqual({ line: 3, offset: 30, records: 1, skipped: 1 });
  expect(prefix.ahead).toBe(0);
  expect(() => prefix.settle(third!, 'blank')).toThrow(InvariantError);
});

test('is the longest settled prefix in whatever order thousands of lines settle', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(199), { minLength: 4_000, maxLength: 4_000 }), (picks) => {
      const prefix = new AcknowledgedPrefix(freshStart);
      const open: { number: number; ticket: ReturnType<AcknowledgedPrefix['begin']> }[] = [];
      const unsettled = new Set<number>();
      let begun = 0;
      for (const pick of picks) {
        begun += 1;
        open.push({ number: begun, ticket: prefix.begin(line(begun)) });
        unsettled.add(begun);
        if (open.length < 50) continue;
        const [settled] = open.splice(pick % open.length, 1);
        prefix.settle(settled!.ticket, 'written');
        unsettled.delete(settled!.number);
        const [oldest] = unsettled;
        if (prefix.state.line !== (oldest ?? begun + 1) - 1) return false;
      }
      return prefix.state.records === prefix.state.line;
    }),
    { numRuns: 10 },
  );
});
