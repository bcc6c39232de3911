import type { Rule } from './tree.ts';

/** Lines from which a file is refused. */
export const mostLines = 500;

/** Sizes: no source or test file has more than 500 lines. */
export const sizesRule: Rule = {
  name: 'sizes',
  check: (tree) =>
    tree.files
      .filter((file) => /\.(ts|mjs|js)$/.test(file.path))
      .flatMap(({ path, text }) => {
        const lines = text.split('\n').length - 1;
        return lines > mostLines ? [{ path, line: 0, message: `has ${lines} lines; ${mostLines} is the most` }] : [];
      }),
};
