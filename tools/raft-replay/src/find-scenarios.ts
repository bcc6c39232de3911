import { readdir } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { type ScenarioKind, scenarioKinds } from './replay.ts';

/** A scenario file and what it is about. */
export interface ScenarioFile {
  readonly path: string;
  readonly kind: ScenarioKind;
}

/** Every scenario file under the folders, by path. A file's kind is the name of the folder it is in. */
export async function findScenarios(folders: readonly string[]): Promise<readonly ScenarioFile[]> {
  const found = new Map<string, ScenarioFile>();
  for (const folder of folders) {
    for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
      if (!entry.isFile() || !entry.name.endsWith('.txt')) continue;
      const path = join(entry.parentPath, entry.name);
      const kind = scenarioKinds.find((name) => name === basename(dirname(resolve(path))));
      if (kind !== undefined) found.set(resolve(path), { path, kind });
    }
  }
  return [...found.values()].sort((a, b) => (a.path < b.path ? -1 : 1));
}
