// `npm start`: installs when needed, builds, and runs a storage node in this process, so that signals and the terminal
// are its own. Arguments after `--` go to the node.
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { root, setUpAndBuild } from './setup.mjs';

setUpAndBuild({ projects: ['@flotilla/storage-node', '@flotilla/ctl', '@flotilla/scheduler-app'], quiet: true });
const program = join(root, 'apps', 'storage-node', 'bin', 'flotilla-node.js');
process.argv[1] = program;
await import(pathToFileURL(program).href);
