import type { Rule, Violation } from './tree.ts';

const forbidden: readonly (readonly [RegExp, string])[] = [
  [/(?<![.\w])set(?:Timeout|Interval|Immediate)\(|\bAbortSignal\.timeout\(/, 'arms a timer of its own; take Timers'],
  [/\bDate\.now\(|new Date\(\)|\bperformance\.now\(|process\.hrtime/, 'reads a clock of its own; take Clock'],
  [/\bMath\.random\(|\brandomUUID\(|\brandomBytes\(/, 'draws chance of its own; take Random'],
  [/\bprocess\.(?:exit|on|env|argv)\b/, 'touches process-wide state; only apps do'],
];

/** Where the seams end and the world begins; the simulated world lets real promises settle between its events. */
const edges = [
  'packages/runtime/src/system-timers.ts',
  'packages/runtime/src/clock.ts',
  'packages/runtime/src/system-runtime.ts',
  'packages/runtime/src/simulated-world.ts',
];

/** Seams: packages reach time, chance and the process through what they are given. */
export const seamsRule: Rule = {
  name: 'seams',
  check: (tree) =>
    tree.files
      .filter((file) => /^packages\/[^/]+\/src\/.*\.ts$/.test(file.path) && !edges.includes(file.path))
      .flatMap(({ path, text }) =>
        text.split('\n').flatMap((line, position): Violation[] => {
          if (/^\s*(\*|\/\/|\/\*)/.test(line)) return [];
          const hit = forbidden.find(([pattern]) => pattern.test(line));
          return hit === undefined ? [] : [{ path, line: position + 1, message: hit[1] }];
        }),
      ),
};
