import type { Rule } from './tree.ts';

const drawers = ['utils', 'util', 'common', 'helpers', 'helper', 'misc', 'types'];

/** Names: files are kebab-case and named after the noun inside, never after a drawer. */
export const namesRule: Rule = {
  name: 'names',
  check: (tree) =>
    tree.files
      .filter((file) => /\.(ts|mjs|js)$/.test(file.path) && !/\.config\.ts$/.test(file.path))
      .flatMap(({ path }) => {
        const base = (path.split('/').at(-1) ?? '').replace(/(\.test)?\.(ts|mjs|js)$/, '');
        if (!/^[a-z0-9]+(-[a-z0-9]+)*$/.test(base)) return [{ path, line: 0, message: 'is not named in kebab-case' }];
        const drawer = path.split('/').find((part) => drawers.includes(part.replace(/(\.test)?\.(ts|mjs|js)$/, '')));
        return drawer === undefined ? [] : [{ path, line: 0, message: `"${drawer}" is a drawer, not a noun` }];
      }),
};
