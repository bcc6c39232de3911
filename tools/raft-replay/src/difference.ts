import type { ScenarioFailure } from './replay.ts';

/** How many equal lines to show around the first difference. */
const contextLines = 3;

/** Shows where the output first differs: expected lines after `-`, actual ones after `+`. */
export function printDifference(failure: ScenarioFailure): string {
  const expected = failure.expected.split('\n').slice(0, -1);
  const actual = failure.actual.split('\n').slice(0, -1);
  let same = 0;
  while (same < expected.length && same < actual.length && expected[same] === actual[same]) same += 1;
  const before = expected.slice(Math.max(0, same - contextLines), same).map((line) => `      ${line}`);
  const missing = expected.slice(same, same + contextLines).map((line) => `    - ${line}`);
  const surplus = actual.slice(same, same + contextLines).map((line) => `    + ${line}`);
  return `${[...before, ...missing, ...surplus].join('\n')}\n`;
}
