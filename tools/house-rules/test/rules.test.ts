import { describe, expect, it } from 'vitest';
import { rules } from '../src/rules.ts';
import type { SourceFile, Tree, Violation, WorkspacePackage } from '../src/tree.ts';

const raft: WorkspacePackage = {
  directory: 'packages/raft',
  name: '@flotilla/raft',
  dependencies: ['@flotilla/runtime'],
  references: ['packages/runtime'],
  hasReadme: true,
};
const runtime: WorkspacePackage = {
  directory: 'packages/runtime',
  name: '@flotilla/runtime',
  dependencies: [],
  references: [],
  hasReadme: true,
};

function check(
  rule: string,
  files: readonly SourceFile[],
  packages: readonly WorkspacePackage[] = [raft, runtime],
): Violation[] {
  const tree: Tree = { files, packages };
  const found = rules.find((candidate) => candidate.name === rule);
  if (found === undefined) throw new Error(`no rule ${rule}`);
  return found.check(tree);
}

function source(text: string, path = 'packages/raft/src/log.ts'): SourceFile {
  return { path, text };
}

describe('layers', () => {
  it('accepts what the table and the manifest allow', () => {
    expect(
      check('layers', [source("import { assert } from '@flotilla/runtime';\nimport { a } from './a.ts';\n")]),
    ).toEqual([]);
  });

  it('refuses a dependency to the right', () => {
    const raftOnEngine = { ...raft, dependencies: ['@flotilla/engine'], references: ['packages/engine'] };
    expect(check('layers', [], [raftOnEngine])).toMatchObject([
      { message: '@flotilla/raft may not depend on @flotilla/engine' },
    ]);
  });

  it('refuses an import that is not declared', () => {
    expect(check('layers', [source("import { x } from '@flotilla/protocol';\n")])).toMatchObject([{ line: 1 }]);
  });

  it('refuses an import across a package boundary and one of an index', () => {
    expect(check('layers', [source("import { x } from '../../engine/src/engine.ts';\n")])).toHaveLength(1);
    expect(check('layers', [source("import { x } from './index.ts';\n")])).toHaveLength(1);
  });

  it('refuses a dependency without a project reference', () => {
    expect(check('layers', [], [{ ...raft, references: [] }, runtime])).toMatchObject([
      { path: 'packages/raft/tsconfig.json' },
    ]);
  });

  it('refuses a package that has no place in the table', () => {
    const stray = { ...raft, directory: 'packages/stray', name: '@flotilla/stray' };
    expect(check('layers', [], [stray, runtime])).toMatchObject([
      { message: '@flotilla/stray has no place in the layer table' },
    ]);
  });
});

describe('names', () => {
  it('refuses drawers and other cases', () => {
    expect(check('names', [source('', 'packages/raft/src/utils.ts')])).toHaveLength(1);
    expect(check('names', [source('', 'packages/raft/src/helpers/log.ts')])).toHaveLength(1);
    expect(check('names', [source('', 'packages/raft/src/RaftLog.ts')])).toHaveLength(1);
    expect(check('names', [source('', 'packages/raft/test/raft-log.test.ts')])).toEqual([]);
  });
});

describe('sizes', () => {
  it('refuses the line after the last', () => {
    expect(check('sizes', [source('x\n'.repeat(500))])).toEqual([]);
    expect(check('sizes', [source('x\n'.repeat(501))])).toHaveLength(1);
  });
});

describe('index files', () => {
  it('accepts named re-exports only', () => {
    const path = 'packages/raft/src/index.ts';
    expect(
      check('index files', [source("export { a, type B } from './a.ts';\nexport * as c from './c.ts';\n", path)]),
    ).toEqual([]);
    expect(check('index files', [source("export * from './a.ts';\n", path)])).toHaveLength(1);
    expect(check('index files', [source('export const a = 1;\n', path)])).toHaveLength(1);
  });
});

describe('doc comments', () => {
  it('asks for one on every export', () => {
    expect(check('doc comments', [source('/** A log. */\nexport class RaftLog {}\n')])).toEqual([]);
    expect(check('doc comments', [source('export class RaftLog {}\n')])).toMatchObject([{ line: 1 }]);
    expect(check('doc comments', [source('/** A thing. */\nexport interface A {}\nexport const A = 1;\n')])).toEqual(
      [],
    );
  });
});

describe('seams', () => {
  it('refuses time, chance and the process', () => {
    for (const text of ['setTimeout(f, 1)', 'Date.now()', 'Math.random()', 'process.exit(1)', 'performance.now()']) {
      expect(check('seams', [source(`const x = ${text};\n`)])).toHaveLength(1);
    }
    expect(check('seams', [source('timers.setTimeout(f, 1);\n')])).toEqual([]);
  });
});

describe('hygiene', () => {
  it('refuses hosts in lock files, paths of a machine, lone tests and silenced compilers', () => {
    const texts = ['"resolved": "https://example.org/a.tgz"', `${'/ho'}me/someone/x`, 'it.only(', '// @ts-ignore'];
    for (const text of texts) expect(check('hygiene', [source(text)])).toHaveLength(1);
  });

  it('asks for a README', () => {
    expect(check('hygiene', [], [{ ...raft, hasReadme: false }])).toHaveLength(1);
  });
});
