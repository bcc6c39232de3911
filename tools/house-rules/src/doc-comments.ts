import type { Rule, Violation } from './tree.ts';

const declaration =
  /^export (?:declare |abstract |async )*(?:function\*?|class|interface|type|const|let) ([A-Za-z_$][\w$]*)/;

/** Doc comments: every export of a package says what it is. */
export const docCommentsRule: Rule = {
  name: 'doc comments',
  check: (tree) =>
    tree.files
      .filter((file) => /^(packages|apps|tools)\/[^/]+\/src\/.*\.ts$/.test(file.path))
      .flatMap(({ path, text }) => {
        const lines = text.split('\n');
        return lines.flatMap((line, position): Violation[] => {
          const name = declaration.exec(line)?.[1];
          if (name === undefined || isDocumented(lines, position, name)) return [];
          return [{ path, line: position + 1, message: `export ${name} has no doc comment` }];
        });
      }),
};

/** A comment ends on the line above; further overloads, and the value beside a type of the same name, share the first's. */
function isDocumented(lines: readonly string[], position: number, name: string): boolean {
  let above = position - 1;
  while (above >= 0 && /^\s*(\/\/ biome-ignore|@)/.test(lines[above] ?? '')) above -= 1;
  if (/\*\/\s*$/.test(lines[above] ?? '')) return true;
  return lines.slice(0, position).some((line) => declaration.exec(line)?.[1] === name);
}
