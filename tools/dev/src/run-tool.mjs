// `run-tool.mjs PROJECT ENTRY [argument ...]`: installs when needed, builds PROJECT and what it needs, and runs ENTRY, a path
// from the root, in this process with the arguments that follow. So a tool works on a fresh clone.
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { root, setUpAndBuild } from './setup.mjs';

const [project, entry, ...rest] = process.argv.slice(2);
if (project === undefined || entry === undefined) {
  process.stderr.write('usage: run-tool.mjs PROJECT ENTRY [argument ...]\n');
  process.exit(64);
}
setUpAndBuild({ projects: [project], quiet: true });
const program = join(root, entry);
process.argv = [process.argv[0], program, ...rest];
await import(pathToFileURL(program).href);
