import { importsOf } from './imports.ts';
import type { Rule, Tree, Violation, WorkspacePackage } from './tree.ts';

/**
 * What each package may import of the others, by short name. The table is the architecture: a package reaches only to
 * its left, and `raft` only to the seams and the wire types.
 */
export const allowedImports: Readonly<Record<string, readonly string[]>> = {
  runtime: [],
  protocol: [],
  actor: ['runtime'],
  program: ['runtime'],
  raft: ['runtime', 'protocol'],
  engine: ['runtime', 'protocol'],
  'scheduler-client': ['runtime', 'protocol'],
  raftstore: ['runtime', 'protocol', 'actor', 'raft', 'engine', 'scheduler-client'],
  scheduler: ['runtime', 'protocol', 'actor', 'engine', 'scheduler-client'],
  client: ['runtime', 'protocol', 'actor', 'scheduler-client'],
  server: ['runtime', 'protocol', 'actor', 'engine', 'raftstore', 'scheduler', 'scheduler-client'],
  coordination: [
    'runtime',
    'protocol',
    'actor',
    'engine',
    'raftstore',
    'scheduler-client',
    'scheduler',
    'client',
    'server',
  ],
  'test-harness': [
    'runtime',
    'protocol',
    'actor',
    'raft',
    'engine',
    'raftstore',
    'scheduler-client',
    'scheduler',
    'client',
    'server',
  ],
};

/** Tools that run programs inside themselves, to measure them. */
const hosts: readonly string[] = ['tools/bench'];

/** Layers: a package imports only what the table allows it, and only what its manifest and tsconfig declare. */
export const layersRule: Rule = {
  name: 'layers',
  check: (tree) => [...checkDependencies(tree), ...checkFiles(tree)],
};

function shortName(name: string): string {
  return name.replace('@flotilla/', '');
}

function isInternal(name: string): boolean {
  return name.startsWith('@flotilla/');
}

function checkDependencies(tree: Tree): Violation[] {
  const directoryOf = new Map(tree.packages.map((entry) => [entry.name, entry.directory]));
  return tree.packages.flatMap((entry) => {
    const found: Violation[] = [];
    const path = `${entry.directory}/package.json`;
    for (const dependency of entry.dependencies.filter(isInternal)) {
      const complaint = complaintAbout(entry, dependency);
      if (complaint !== undefined) found.push({ path, line: 0, message: complaint });
      const directory = directoryOf.get(dependency);
      if (directory !== undefined && !entry.references.includes(directory)) {
        found.push({ path: `${entry.directory}/tsconfig.json`, line: 0, message: `lacks a reference to ${directory}` });
      }
    }
    return found;
  });
}

function complaintAbout(entry: WorkspacePackage, dependency: string): string | undefined {
  if (!entry.directory.startsWith('packages/')) {
    return isPackage(dependency) || entry.directory.startsWith('test/') || hosts.includes(entry.directory)
      ? undefined
      : `${entry.name} may depend on packages only, not on ${dependency}`;
  }
  const allowed = allowedImports[shortName(entry.name)];
  if (allowed === undefined) return `${entry.name} has no place in the layer table`;
  return allowed.includes(shortName(dependency)) ? undefined : `${entry.name} may not depend on ${dependency}`;
}

function isPackage(dependency: string): boolean {
  return shortName(dependency) in allowedImports;
}

function checkFiles(tree: Tree): Violation[] {
  const owners = [...tree.packages].sort((a, b) => b.directory.length - a.directory.length);
  return tree.files
    .filter((file) => file.path.endsWith('.ts') && file.path.includes('/src/'))
    .flatMap((file) => {
      const owner = owners.find((entry) => file.path.startsWith(`${entry.directory}/`));
      if (owner === undefined) return [];
      return importsOf(file.text).flatMap(({ specifier, line }) => {
        if (specifier.startsWith('.')) return checkRelative(file.path, owner.directory, specifier, line);
        if (!isInternal(specifier)) return [];
        const name = specifier.split('/').slice(0, 2).join('/');
        if (owner.dependencies.includes(name)) return [];
        return [{ path: file.path, line, message: `imports ${name}, which ${owner.name} does not declare` }];
      });
    });
}

function checkRelative(path: string, directory: string, specifier: string, line: number): Violation[] {
  const target = new URL(specifier, `file:///${path}`).pathname.slice(1);
  if (!target.startsWith(`${directory}/`)) return [{ path, line, message: `reaches out of its package: ${specifier}` }];
  if (/(^|\/)index\.ts$/.test(specifier)) return [{ path, line, message: 'imports an index; import the file itself' }];
  return [];
}
