import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import type { Tree, WorkspacePackage } from './tree.ts';

const readable = /\.(ts|mts|mjs|js|json|jsonc|md|proto|txt|yml)$/;

/** Reads the checkout at `root`: the files git tracks and the untracked ones it does not ignore. */
export function readCheckout(root: string): Tree {
  const listed = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', '-z'], {
    cwd: root,
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  })
    .split('\0')
    .filter((path) => path !== '' && existsSync(join(root, path)));
  const packages = listed
    .filter((path) => /^(packages|apps|tools|test)\/[^/]+\/package\.json$/.test(path))
    .map((path) => readPackage(root, posix.dirname(path)));
  const files = listed
    .filter((path) => readable.test(path))
    .map((path) => ({ path, text: readFileSync(join(root, path), 'utf8') }));
  return { packages, files };
}

function readPackage(root: string, directory: string): WorkspacePackage {
  const manifest = readJson(join(root, directory, 'package.json')) as {
    name: string;
    dependencies?: Record<string, string>;
  };
  const tsconfig = join(root, directory, 'tsconfig.json');
  const references = existsSync(tsconfig)
    ? ((readJson(tsconfig) as { references?: { path: string }[] }).references ?? [])
    : [];
  return {
    directory,
    name: manifest.name,
    dependencies: Object.keys(manifest.dependencies ?? {}),
    references: references.map((reference) => posix.join(directory, reference.path)),
    hasReadme: existsSync(join(root, directory, 'README.md')),
  };
}

function readJson(path: string): unknown {
  return JSON.parse(readFileSync(path, 'utf8'));
}
