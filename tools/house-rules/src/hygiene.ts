import type { Rule, Violation } from './tree.ts';

const forbidden: readonly (readonly [RegExp, string])[] = [
  [/"resolved": "https?:/, 'a lock file names a registry host; run `npm run relock`'],
  [/(?<![\w.])\/(?:home|root|Users)\/\w/, 'names a path of one machine'],
  [/\b(?:describe|it|test)\.only\(/, 'runs one test only'],
  [/@ts-(?:ignore|nocheck)\b/, 'silences the compiler'],
];

/** Hygiene: nothing of one machine, no lone test, no silenced compiler; every package has a README. */
export const hygieneRule: Rule = {
  name: 'hygiene',
  check: (tree) => [
    ...tree.packages
      .filter((entry) => !entry.hasReadme)
      .map((entry) => ({ path: entry.directory, line: 0, message: 'has no README.md' })),
    ...tree.files
      .filter((file) => !file.path.startsWith('tools/house-rules/'))
      .flatMap(({ path, text }) =>
        text.split('\n').flatMap((line, position): Violation[] => {
          const hit = forbidden.find(([pattern]) => pattern.test(line));
          return hit === undefined ? [] : [{ path, line: position + 1, message: hit[1] }];
        }),
      ),
  ],
};
