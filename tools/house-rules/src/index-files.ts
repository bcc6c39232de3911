import type { Rule } from './tree.ts';

/** Index files: a package's index holds explicit named re-exports only. */
export const indexFilesRule: Rule = {
  name: 'index files',
  check: (tree) =>
    tree.files
      .filter((file) => /\/src\/(.*\/)?index\.ts$/.test(file.path))
      .flatMap(({ path, text }) => {
        const rest = text
          .replace(/\/\*\*?[\s\S]*?\*\/|\/\/.*$/gm, '')
          .replace(/export (type )?\{[^}]*\} from '[^']+';/g, '')
          .replace(/export (type )?\* as \w+ from '[^']+';/g, '')
          .replace(/export \{\};/g, '')
          .trim();
        return rest === ''
          ? []
          : [{ path, line: 0, message: `holds more than named re-exports: ${rest.slice(0, 60)}` }];
      }),
};
